import type { ExecutionContext } from '@nestjs/common';
import { ContextStack } from '../../core/context/context-stack.js';
import type { EventTrackingApplication } from '../module/application.js';
import { HttpExecutionContext, type HttpArguments } from './http-execution-context.js';

/** The property of a request, or of a message's arguments, that holds its scope. */
const SCOPE = Symbol.for('event-tracking:scope');

/**
 * A request or a message's arguments; Fastify's routes see a request that wraps the one that
 * carries the scope.
 */
interface Carrier {
  [SCOPE]?: RequestScope;
  raw?: Carrier;
}

/** A scope in which Nest dispatches calls of handlers. */
export abstract class DispatchScope extends ContextStack {
  /**
   * Returns the execution context of a call that Nest dispatched, and undefined for a call by other
   * code.
   *
   * @remarks Nest calls a handler once, so only the first matching call claims the context.
   */
  abstract claimCall(instance: object, method: string | symbol): ExecutionContext | undefined;
}

/** The scope of one call of a resolver, or of a handler whose message has no scope yet. */
export class CallScope extends DispatchScope {
  /** The name of the GraphQL operation that the call belongs to, if it has one. */
  operation: string | undefined;
  #expected: ExecutionContext | undefined;

  constructor(context: ExecutionContext, outer: ContextStack | undefined) {
    super('handler', outer);
    this.#expected = context;
  }

  override claimCall(instance: object, method: string | symbol): ExecutionContext | undefined {
    const expected = this.#expected;
    if (expected === undefined || !isCallOf(expected, instance, method)) return undefined;
    this.#expected = undefined;
    return expected;
  }
}

/** The default context of a request, with the values that become known later. */
export interface DefaultContext extends Record<string, unknown> {
  request_id?: string;
  route?: string;
  status?: number;
  duration?: number;
}

/** The scope of one request, message or operation, in one application. */
export class RequestScope extends DispatchScope {
  /**
   * The request as the latest stage sees it, kept if `context.request` reads it; Fastify passes
   * different objects to middleware and to routes.
   */
  request: unknown;
  /** The scope of the same request in another application, if it passed through one before. */
  inOtherApplication: RequestScope | undefined;
  /** The default context, to which later stages add; undefined if there is none. */
  defaults: DefaultContext | undefined;
  /** By the monotonic clock, in milliseconds. */
  openedAt = 0;
  #handler: Function | undefined;
  #args: HttpArguments | undefined;

  constructor(
    readonly application: EventTrackingApplication,
    outer: ContextStack,
  ) {
    super('request', outer);
  }

  /** Nest's execution context of the request, if this scope knows it. */
  get executionContext(): ExecutionContext | undefined {
    return undefined;
  }

  // Names are spelled out below, because V8 adds properties with computed names slowly.

  /** Adds the pattern of the matched route to the default context. */
  addRoute(route: string): void {
    const { defaults } = this;
    if (defaults === undefined || defaults.route === route) return;
    defaults.route = route;
    this.refresh();
  }

  /** Replaces the request's id in the default context. */
  replaceId(id: string): void {
    const { defaults } = this;
    if (defaults === undefined || defaults.request_id === id) return;
    defaults.request_id = id;
    this.refresh();
  }

  addAnswer(status: number, duration: number): void {
    const { defaults } = this;
    if (defaults === undefined) return;
    defaults.status = status;
    defaults.duration = duration;
    this.refresh();
  }

  /** Records that Nest is about to call the handler of the request's route. */
  expectCall(handler: Function, args: HttpArguments): void {
    this.#handler = handler;
    this.#args = args;
  }

  override claimCall(instance: object, method: string | symbol): ExecutionContext | undefined {
    const handler = this.#handler;
    if (handler === undefined || methodOf(instance, method) !== handler) return undefined;
    const args = this.#args!;
    // Sockets keep the scope of their latest request alive, and so everything that it refers to.
    this.#handler = undefined;
    this.#args = undefined;
    return new HttpExecutionContext(instance.constructor, handler, args);
  }
}

/** Whether a call of a method is the one that Nest dispatches with an execution context. */
export function isCallOf(
  context: ExecutionContext,
  instance: object,
  method: string | symbol,
): boolean {
  const handler = context.getHandler();
  // Another decorator may have replaced the method by a function with another name.
  const isHandler = handler.name === method || methodOf(instance, method) === handler;
  return isHandler && instance instanceof context.getClass();
}

function methodOf(instance: object, method: string | symbol): unknown {
  return (instance as Record<string | symbol, unknown>)[method];
}

export function storeScope(carrier: object, scope: RequestScope): void {
  scope.inOtherApplication = latestScopeOf(carrier);
  (carrier as Carrier)[SCOPE] = scope;
}

/** Returns the scope of a request in an application, if it has been opened. */
export function scopeOf(
  request: object,
  application: EventTrackingApplication,
): RequestScope | undefined {
  let scope = latestScopeOf(request);
  while (scope !== undefined && scope.application !== application) scope = scope.inOtherApplication;
  return scope;
}

export function latestScopeOf(request: Carrier): RequestScope | undefined {
  return request[SCOPE] ?? request.raw?.[SCOPE];
}

/** Returns the execution context of a call of a decorated method, if Nest dispatched it. */
export function claimDispatchedCall(
  innermost: ContextStack,
  instance: object,
  method: string | symbol,
): ExecutionContext | undefined {
  for (let stack: ContextStack | undefined = innermost; stack !== undefined; stack = stack.outer) {
    const context = isDispatchScope(stack) ? stack.claimCall(instance, method) : undefined;
    if (context !== undefined) return context;
  }
  return undefined;
}

/** Recognises scopes of another copy of the package too. */
function isDispatchScope(stack: ContextStack): stack is DispatchScope {
  return 'claimCall' in stack;
}

/** Returns the object that carries the scope of a call, and whether it is an HTTP request. */
export function carrierOf(context: ExecutionContext): { carrier: object; isHttp: boolean } {
  const type = context.getType<string>();
  // Switching to HTTP would allocate three functions for each request.
  if (type === 'http')
    return { carrier: rawRequest(context.getArgByIndex<object>(0)), isHttp: true };
  if (type === 'graphql') {
    const {
      req,
      request = req,
      reply,
    } = context.getArgByIndex<GraphqlContext | undefined>(2) ?? {};
    const carried = request ?? reply?.request;
    if (carried !== undefined && 'headers' in carried)
      return { carrier: rawRequest(carried), isHttp: true };
  }
  // All stages of a message share one array of arguments.
  return { carrier: context.getArgs(), isHttp: false };
}

/** The properties in which GraphQL drivers keep the HTTP request of an operation. */
interface GraphqlContext {
  req?: object;
  request?: object;
  reply?: { request?: object };
}

/** Returns the request that middleware sees; Fastify's routes see one that wraps it. */
export function rawRequest(request: object): object {
  return (request as { raw?: object }).raw ?? request;
}
