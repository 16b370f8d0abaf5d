import type { ExecutionContext } from '@nestjs/common';
import { ClsServiceManager } from 'nestjs-cls';
import type { ContextStack } from '../../core/context/context-stack.js';
import { describeError, describeValue } from '../../core/diagnostics/describe.js';
import { isPlainObject } from '../../core/event/event.js';
import { copyOf, setOwn } from '../../core/event/snapshot.js';
import type { EventTrackingApplication } from '../module/application.js';
import type { ModulesContainer } from '@nestjs/core';
import type { RequestContextOptions } from '../config/event-tracking-options.js';
import { readHttpRequest, type HttpRequest } from './http-request.js';
import { limitText, limitTexts } from './limit-text.js';
import { isAssignedId, newRequestId, readLoggedIds, type LoggedIds } from './request-id.js';
import { observeResponse } from './observe-response.js';
import { CallScope, type RequestScope } from './request-scope.js';
import { readKeptKeys, type KeptKey } from './request-target.js';

export class RequestContext {
  readonly #options: RequestContextOptions | undefined;
  // Created once per application, because each request needs them.
  readonly #reportOfRequest = this.#conversionReporter('request');
  readonly #reportOfCls = this.#conversionReporter('cls');
  readonly #keptKeys: readonly KeptKey[];
  readonly #clsKeys: readonly ClsKey[];
  #loggedIds: LoggedIds | undefined;

  constructor(
    private readonly application: EventTrackingApplication,
    options: false | RequestContextOptions | undefined,
    private readonly modules: ModulesContainer,
  ) {
    this.#options = options === false ? undefined : (options ?? {});
    this.#keptKeys = readKeptKeys(this.#options?.query ?? []);
    this.#clsKeys = readClsKeys(this.#options?.cls ?? []);
    if (this.#options?.cls !== undefined) this.#enterCls(application.processScope);
  }

  /** Whether scopes must keep their requests, because `context.request` reads them per event. */
  get readsRequests(): boolean {
    return this.#options?.request !== undefined;
  }

  enterHttp(
    scope: RequestScope,
    request: HttpRequest,
    response: unknown,
    executionContext?: ExecutionContext,
  ): void {
    if (this.#options === undefined) return;
    const defaults = readHttpRequest(request, this.#keptKeys);
    this.#enter(scope, request, defaults, executionContext);
    this.#assignId(request, defaults['request_id']);
    observeResponse(scope, response);
  }

  /** Takes over the id that a logger's middleware has given the request since. */
  adoptId(scope: RequestScope, request: HttpRequest): void {
    const { id } = request.raw ?? request;
    if (isAssignedId(id)) scope.replaceId(id);
  }

  /** Enters the context of a message, or of a GraphQL operation over a socket. */
  enterMessage(
    scope: RequestScope,
    { request, pattern }: MessageSource,
    executionContext?: ExecutionContext,
  ): void {
    if (this.#options === undefined) return;
    const defaults: Record<string, unknown> = { request_id: newRequestId(), origin: 'server' };
    if (pattern !== undefined) defaults['pattern'] = copyOf(pattern);
    limitTexts(defaults);
    this.#enter(scope, request, defaults, executionContext);
  }

  /**
   * Enters the name of the GraphQL operation that a resolver is called for.
   *
   * @remarks A request can carry several operations, so their names cannot be the request's.
   */
  enterCall(scope: CallScope, executionContext: ExecutionContext): void {
    const operation = this.#options && readOperation(executionContext);
    if (operation === undefined) return;
    scope.operation = operation;
    if (this.#options?.request === undefined) scope.enterOwn('operation', { operation });
  }

  /**
   * Has nestjs-pino log the id of the request.
   *
   * @remarks It keeps an id that a request already has, and counts if there is none.
   */
  #assignId(request: HttpRequest, id: unknown): void {
    this.#loggedIds ??= readLoggedIds(this.modules);
    if (this.#loggedIds === 'unknown') return;
    if (this.#loggedIds === 'counted' || request.id !== undefined) request.id = id;
  }

  #enter(
    scope: RequestScope,
    request: unknown,
    defaults: Record<string, unknown>,
    executionContext: ExecutionContext | undefined,
  ): void {
    const { request: make, cls } = this.#options!;
    const type = this.application.contextType('request');
    scope.defaults = defaults;
    if (make === undefined) scope.enterOwn('request', defaults, type);
    else {
      const current = () => ({ ...defaults, ...operationOf(this.application.locator.get()) });
      scope.request = request;
      scope.enterLive(
        'request',
        () =>
          this.#make(
            () => make(scope.request, current(), executionContext ?? scope.executionContext),
            current(),
          ),
        (fault) => this.#report('context.request', fault),
        { type, onConversions: this.#reportOfRequest, adjust: limitTexts },
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
    scope.enterLive(
      'cls',
      () => readCls(this.#clsKeys),
      (fault) => this.#report('context.cls', fault),
      {
        type: this.application.contextType('cls'),
        onConversions: this.#reportOfCls,
        adjust: limitTexts,
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

/** A key of the application's CLS, and the path at which the context holds its value. */
interface ClsKey {
  readonly key: string;
  readonly path: readonly string[];
}

function readClsKeys(cls: NonNullable<RequestContextOptions['cls']>): ClsKey[] {
  const paths: [path: string, key: string][] = isListOfKeys(cls)
    ? cls.map((key) => [key, key])
    : Object.entries(cls);
  return paths.map(([path, key]) => ({ key, path: path.split('.') }));
}

function isListOfKeys(cls: NonNullable<RequestContextOptions['cls']>): cls is readonly string[] {
  return Array.isArray(cls);
}

function readCls(keys: readonly ClsKey[]): object {
  const values: Record<string, unknown> = {};
  const cls = ClsServiceManager.getClsService();
  if (!cls.isActive()) return values;
  for (const { key, path } of keys) {
    const value: unknown = cls.get(key);
    if (value !== undefined) setPath(values, path, value);
  }
  return values;
}

function readOperation(context: ExecutionContext): string | undefined {
  if (context.getType<string>() !== 'graphql') return undefined;
  const info = context.getArgByIndex<GraphqlInfo | undefined>(3);
  const name = info?.operation?.name?.value;
  return typeof name === 'string' ? limitText(name) : undefined;
}

/** The part of a resolver's last argument that names the operation. */
interface GraphqlInfo {
  operation?: { name?: { value?: unknown } };
}

function operationOf(innermost: ContextStack): { operation?: string } {
  for (let stack: ContextStack | undefined = innermost; stack !== undefined; stack = stack.outer) {
    if (stack instanceof CallScope)
      return stack.operation === undefined ? {} : { operation: stack.operation };
  }
  return {};
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

/** A message as `context.request` receives it, and the pattern that the message matched. */
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
