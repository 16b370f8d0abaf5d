import type { ExecutionContext } from '@nestjs/common';
import { ClsServiceManager } from 'nestjs-cls';
import type { ContextStack } from '../../core/context/context-stack.js';
import { describeError, describeValue } from '../../core/diagnostics/describe.js';
import { isPlainObject } from '../../core/event/event.js';
import { copyOf, setOwn } from '../../core/event/snapshot.js';
import type { EventTrackingApplication } from '../module/application.js';
import type { RequestContextOptions } from '../config/event-tracking-options.js';
import { readHttpRequest, type HttpRequest } from './http-request.js';
import type { RequestScope } from './request-scope.js';

/** Enters the context of a request into the request's scope. */
export class RequestContext {
  readonly #options: RequestContextOptions | undefined;
  // Created once per application, because each request needs them.
  readonly #reportOfRequest = this.#conversionReporter('request');
  readonly #reportOfCls = this.#conversionReporter('cls');

  constructor(
    private readonly application: EventTrackingApplication,
    options: false | RequestContextOptions | undefined,
  ) {
    this.#options = options === false ? undefined : (options ?? {});
    if (this.#options?.cls !== undefined) this.#enterCls(application.processScope);
  }

  /** Whether scopes must keep their requests, because `context.request` reads them per event. */
  get readsRequests(): boolean {
    return this.#options?.request !== undefined;
  }

  /** Enters the context of an HTTP request. */
  enterHttp(scope: RequestScope, request: HttpRequest, executionContext?: ExecutionContext): void {
    if (this.#options !== undefined)
      this.#enter(scope, request, readHttpRequest(request), executionContext);
  }

  /** Enters the context of a message, or of a GraphQL operation over a socket. */
  enterMessage(
    scope: RequestScope,
    { request, pattern }: MessageSource,
    executionContext?: ExecutionContext,
  ): void {
    if (this.#options === undefined) return;
    this.#enter(
      scope,
      request,
      { ...(pattern === undefined ? {} : { pattern: copyOf(pattern) }), origin: 'server' },
      executionContext,
    );
  }

  #enter(
    scope: RequestScope,
    request: unknown,
    defaults: Record<string, unknown>,
    executionContext: ExecutionContext | undefined,
  ): void {
    const { request: make, cls } = this.#options!;
    const type = this.application.contextType('request');
    if (make === undefined) scope.enterOwn('request', defaults, type);
    else {
      scope.request = request;
      scope.enterLive(
        'request',
        () =>
          this.#make(
            () => make(scope.request, { ...defaults }, executionContext ?? scope.executionContext),
            defaults,
          ),
        (fault) => this.#report('context.request', fault),
        { type, onConversions: this.#reportOfRequest },
      );
    }
    if (cls !== undefined) this.#enterCls(scope);
  }

  #make(make: () => unknown, defaults: Record<string, unknown>): object {
    try {
      const made = make();
      if (made instanceof Promise) made.catch(() => {});
      if (isPlainObject(made) && !(made instanceof Promise)) return made;
      throw new TypeError(
        `it returned ${describeValue(made)}; it must return an object, not a promise`,
      );
    } catch (fault) {
      this.#report('context.request', fault);
      return defaults;
    }
  }

  #enterCls(scope: ContextStack): void {
    const keys = this.#options?.cls ?? [];
    scope.enterLive(
      'cls',
      () => readCls(keys),
      (fault) => this.#report('context.cls', fault),
      {
        type: this.application.contextType('cls'),
        onConversions: this.#reportOfCls,
      },
    );
  }

  #conversionReporter(context: string): (conversions: readonly string[]) => void {
    return (conversions) => this.application.reportConversions(context, conversions);
  }

  #report(where: string, fault: unknown): void {
    this.application.diagnostics.error(
      where,
      `${where} failed: ${describeError(fault)}. Events are delivered without its values.`,
    );
  }
}

function readCls(keys: readonly string[]): object {
  const values: Record<string, unknown> = {};
  const cls = ClsServiceManager.getClsService();
  if (!cls.isActive()) return values;
  for (const key of keys) {
    const value: unknown = cls.get(key);
    if (value !== undefined) setPath(values, key.split('.'), value);
  }
  return values;
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (rest.length === 0) {
    setOwn(target, key!, value);
    return;
  }
  const inner = Object.hasOwn(target, key!) && isPlainObject(target[key!]) ? target[key!] : {};
  setOwn(target, key!, inner);
  setPath(inner as Record<string, unknown>, rest, value);
}

/** The request that `context.request` receives for a message, and the message's pattern. */
export interface MessageSource {
  readonly request: unknown;
  readonly pattern: unknown;
}

export function readMessage(context: ExecutionContext): MessageSource {
  switch (context.getType<string>()) {
    case 'rpc': {
      const message = context.switchToRpc().getContext<{ getPattern?(): unknown } | undefined>();
      return { request: message, pattern: message?.getPattern?.() };
    }
    case 'ws':
      return {
        request: context.switchToWs().getClient<unknown>(),
        pattern: context.switchToWs().getPattern(),
      };
    default:
      return { request: context.getArgByIndex<unknown>(2), pattern: undefined };
  }
}
