import type { ExecutionContext } from '@nestjs/common';
import { ContextStack } from '../../core/context/context-stack.js';
import type { EventTrackingApplication } from '../module/application.js';

/** Where what passes through Nest keeps its scope: a property of the request, or of a message's arguments. */
const SCOPE = Symbol.for('event-tracking:scope');

/** A scope that Nest dispatches handlers in. */
export class DispatchScope extends ContextStack {
  #announced: ExecutionContext | undefined;

  /** Notes that Nest is about to call a handler in this scope. */
  announce(context: ExecutionContext): void {
    this.#announced = context;
  }

  /**
   * The execution context of a call, if it is the one that Nest announced and not one that code makes.
   *
   * @remarks Nest calls a handler once, so the announcement is taken by the first call that fits it.
   */
  take(instance: object, method: string | symbol): ExecutionContext | undefined {
    const announced = this.#announced;
    if (announced === undefined) return undefined;
    const handler = announced.getHandler();
    // Other decorators may have put functions in the method's place that do not have its name.
    const isHandler =
      handler.name === method || (instance as Record<string | symbol, unknown>)[method] === handler;
    if (!isHandler || !(instance instanceof announced.getClass())) return undefined;
    this.#announced = undefined;
    return announced;
  }
}

/** The scope of one request, message or operation, in one application. */
export class RequestScope extends DispatchScope {
  /** The request as whoever handles it knows it: Fastify's routes have another object than middleware. */
  request: unknown;

  constructor(readonly application: EventTrackingApplication) {
    super('request', application.processScope);
  }
}

/** Gives what passes through Nest its scope. */
export function keepScope(carrier: object, scope: RequestScope): void {
  (carrier as { [SCOPE]?: RequestScope })[SCOPE] = scope;
}

/** The scope of what passes through Nest, if it has been opened. */
export function scopeOf(carrier: object): RequestScope | undefined {
  return (carrier as { [SCOPE]?: RequestScope })[SCOPE];
}

/** The scope of what Nest dispatches, if it has been opened. */
export function scopeOfCall(context: ExecutionContext): RequestScope | undefined {
  return scopeOf(carrierOf(context).carrier);
}

/** Finds the execution context of a call of a decorated method, where Nest dispatched it. */
export function takeDispatch(
  innermost: ContextStack,
  instance: object,
  method: string | symbol,
): ExecutionContext | undefined {
  for (let stack: ContextStack | undefined = innermost; stack !== undefined; stack = stack.outer) {
    const context = stack instanceof DispatchScope ? stack.take(instance, method) : undefined;
    if (context !== undefined) return context;
  }
  return undefined;
}

/** What carries the scope through all stages of what Nest dispatches, and whether it is an HTTP request. */
export function carrierOf(context: ExecutionContext): { carrier: object; isHttp: boolean } {
  const type = context.getType<string>();
  // Switching to HTTP would make three functions for each request.
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
  // Nest hands the same array of arguments to all that a message passes.
  return { carrier: context.getArgs(), isHttp: false };
}

/** Where the drivers of GraphQL keep the HTTP request of an operation. */
interface GraphqlContext {
  req?: object;
  request?: object;
  reply?: { request?: object };
}

/** Fastify wraps the request that middleware has seen. */
export function rawRequest(request: object): object {
  return (request as { raw?: object }).raw ?? request;
}
