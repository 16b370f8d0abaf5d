import type { ExecutionContext } from '@nestjs/common';
import { describeError } from '../../core/diagnostics/describe.js';
import type { EventTrackingApplication } from '../module/application.js';
import type { HttpRequest } from './http-request.js';
import type { RequestContext } from './request-context.js';
import { carrierOf, keepScope, rawRequest, RequestScope, scopeOf } from './request-scope.js';

/** Opens a scope for each request, message and operation, and finds it again where it was lost on the way. */
export class RequestScopes {
  constructor(
    private readonly application: EventTrackingApplication,
    private readonly requestContext: RequestContext,
  ) {}

  /** Runs the rest of an HTTP request in a scope of its own. */
  openHttp<T>(request: HttpRequest, proceed: () => T): T {
    return this.#open(request, (scope) => this.requestContext.enterHttp(scope, request), proceed);
  }

  /** Runs a route's handler in its request's scope, which middleware may have lost: a callback can come from anywhere. */
  resumeHttp<T>(request: object, proceed: () => T): T {
    const { locator } = this.application;
    const scope = scopeOf(rawRequest(request));
    if (scope?.application !== this.application) return proceed();
    scope.request = request;
    return locator.get().isWithin(scope) ? proceed() : locator.run(scope, proceed);
  }

  /** Runs what Nest dispatches in the scope of its request; opens one where none is open. */
  within<T>(context: ExecutionContext, proceed: () => T): T {
    const { application, requestContext } = this;
    const { carrier, isHttp } = carrierOf(context);
    const scope = scopeOf(carrier);
    if (scope?.application === application) return application.locator.run(scope, proceed);
    return this.#open(
      carrier,
      (opened) =>
        isHttp
          ? requestContext.enterHttp(opened, carrier as HttpRequest, context)
          : requestContext.enterMessage(opened, context),
      proceed,
    );
  }

  #open<T>(carrier: object, enter: (scope: RequestScope) => void, proceed: () => T): T {
    const { application } = this;
    const scope = new RequestScope(application);
    keepScope(carrier, scope);
    try {
      enter(scope);
    } catch (fault) {
      application.diagnostics.error(
        'the request context',
        `A request's context could not be made: ${describeError(fault)}.`,
      );
    }
    return application.locator.run(scope, proceed);
  }
}
