import { types } from 'node:util';
import type { ExecutionContext } from '@nestjs/common';
import { isObservable } from 'rxjs';
import { ContextStack } from '../../core/context/context-stack.js';
import { describeError } from '../../core/diagnostics/describe.js';
import type { EventTrackingApplication } from '../module/application.js';
import type { HttpRequest } from './http-request.js';
import { subscribeWithin } from '../decorators/subscribe-within.js';
import { MessageScope, messageScopeIn, type Message } from './message-scope.js';
import { readMessage, type RequestContext } from './request-context.js';
import {
  carrierOf,
  storeScope,
  rawRequest,
  RequestScope,
  scopeOf,
  type CallScope,
} from './request-scope.js';

/** Opens a scope for each request, message and operation, and finds it again in later stages. */
export class RequestScopes {
  readonly #processScope: ContextStack;

  constructor(
    private readonly application: EventTrackingApplication,
    private readonly requestContext: RequestContext,
  ) {
    this.#processScope = application.processScope;
  }

  /** Returns the scope of an HTTP request; opens one if necessary. */
  ofHttp(request: HttpRequest, response: unknown): RequestScope {
    const scope = scopeOf(request, this.application);
    if (scope === undefined) return this.#openHttp(rawRequest(request), request, response);
    if (this.requestContext.readsRequests) scope.request = request;
    this.requestContext.adoptId(scope, request);
    return scope;
  }

  /** Runs the rest of an HTTP request in its scope. */
  enterHttp(request: HttpRequest, response: unknown, proceed: () => void): void {
    const scope = this.ofHttp(request, response);
    if (this.isCurrent(scope)) proceed();
    else this.run(scope, proceed);
  }

  /** Whether the running code is already in a scope. */
  isCurrent(scope: RequestScope): boolean {
    return this.application.locator.get().isWithin(scope);
  }

  run<T>(scope: ContextStack, fn: () => T): T {
    return this.application.locator.run(scope, fn);
  }

  /** Runs a call that Nest dispatches in the scope of its request; opens one if necessary. */
  within<T>(context: ExecutionContext, proceed: () => T): T {
    const { carrier, isHttp } = carrierOf(context);
    const scope =
      scopeOf(carrier, this.application) ??
      (isHttp
        ? this.#openHttp(carrier, carrier as HttpRequest, undefined, context)
        : this.#openCall(carrier, context));
    return this.run(scope, proceed);
  }

  /** Runs a resolver, or the handler of a message, in the scope of its call. */
  withinCall<T>(call: CallScope, context: ExecutionContext, proceed: () => T): T {
    this.requestContext.enterCall(call, context);
    return this.run(call, proceed);
  }

  /** Returns the scope that {@link runMessage} opened for a call that Nest dispatches, if any. */
  ofMessage(context: ExecutionContext): MessageScope | undefined {
    return messageScopeIn(this.application, context);
  }

  /**
   * Handles a message in a scope of its own, in which the Observables that it results in are
   * subscribed to as well.
   *
   * @param outer - the scope of the connection; defaults to the process
   */
  runMessage(
    message: Message,
    handle: () => unknown,
    outer: ContextStack = this.#processScope,
  ): unknown {
    const scope = new MessageScope(this.application, outer, message);
    try {
      this.requestContext.enterMessage(scope, message);
    } catch (fault) {
      this.#report(fault);
    }
    const { locator } = this.application;
    const observe = (result: unknown): unknown =>
      isObservable(result)
        ? subscribeWithin(
            locator,
            (fn) => this.run(scope, fn),
            () => result,
          )
        : result;
    const result = this.run(scope, handle);
    return types.isPromise(result) ? result.then(observe) : observe(result);
  }

  openConnection(): ContextStack {
    return new ContextStack('connection', this.#processScope);
  }

  #openHttp(
    carrier: object,
    request: HttpRequest,
    response: unknown,
    context?: ExecutionContext,
  ): RequestScope {
    const scope = this.#open(carrier);
    try {
      this.requestContext.enterHttp(scope, request, response, context);
    } catch (fault) {
      this.#report(fault);
    }
    return scope;
  }

  #openCall(carrier: object, context: ExecutionContext): RequestScope {
    const scope = this.#open(carrier);
    try {
      this.requestContext.enterMessage(scope, readMessage(context), context);
    } catch (fault) {
      this.#report(fault);
    }
    return scope;
  }

  #open(carrier: object): RequestScope {
    const scope = new RequestScope(this.application, this.#processScope);
    storeScope(carrier, scope);
    return scope;
  }

  #report(fault: unknown): void {
    this.application.diagnostics.error(
      'the request context',
      `Cannot create the context of a request: ${describeError(fault)}. ` +
        `Its events are delivered without that context.`,
    );
  }
}
