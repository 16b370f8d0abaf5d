import type { ExecutionContext, Type } from '@nestjs/common';

export type HttpArguments = readonly [request: object, response: unknown, next: unknown];

/**
 * Describes a call of an HTTP handler, like Nest's own execution context.
 *
 * @remarks
 * Nest creates its own only for guards and interceptors. Running one of these for every request
 * costs more than opening the scope.
 */
export class HttpExecutionContext implements ExecutionContext {
  constructor(
    private readonly type: Function,
    private readonly handler: Function,
    private readonly args: HttpArguments,
  ) {}

  getType<T extends string>(): T {
    return 'http' as T;
  }

  getClass<T>(): Type<T> {
    return this.type as Type<T>;
  }

  getHandler(): Function {
    return this.handler;
  }

  getArgs<T extends unknown[]>(): T {
    return this.args as unknown as T;
  }

  getArgByIndex<T>(index: number): T {
    return this.args[index] as T;
  }

  switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    return {
      getRequest: <T>() => this.getArgByIndex<T>(0),
      getResponse: <T>() => this.getArgByIndex<T>(1),
      getNext: <T>() => this.getArgByIndex<T>(2),
    };
  }

  switchToRpc(): ReturnType<ExecutionContext['switchToRpc']> {
    return {
      getData: <T>() => this.getArgByIndex<T>(0),
      getContext: <T>() => this.getArgByIndex<T>(1),
    };
  }

  switchToWs(): ReturnType<ExecutionContext['switchToWs']> {
    return {
      getClient: <T>() => this.getArgByIndex<T>(0),
      getData: <T>() => this.getArgByIndex<T>(1),
      getPattern: () => this.getArgByIndex<string>(this.args.length - 1),
    };
  }
}
