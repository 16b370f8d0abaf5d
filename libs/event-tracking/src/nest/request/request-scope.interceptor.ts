import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { EventTrackingApplication } from '../module/application.js';
import { scopeOfCall } from './message-scope.js';
import { CallScope, storeScope } from './request-scope.js';
import type { RequestScopes } from './request-scopes.js';
import { subscribeWithin, type Run } from '../decorators/subscribe-within.js';

/**
 * Runs GraphQL operations, and messages that have no scope yet, in scopes that know which call Nest
 * dispatches.
 */
export class RequestScopeInterceptor implements NestInterceptor {
  constructor(
    private readonly application: EventTrackingApplication,
    private readonly scopes: RequestScopes,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { application, scopes } = this;
    if (!application.enabled || context.getType() === 'http') return next.handle();
    const message = scopes.ofMessage(context);
    if (message !== undefined) {
      message.expectDispatch(context);
      // Interceptors find the scope by the arguments of a message that came without a context.
      storeScope(context.getArgs(), message);
      return next.handle();
    }
    const { locator } = application;
    const open: Run = (fn) =>
      scopes.within(context, () => {
        // The resolvers of one operation run in parallel, so each call needs its own scope.
        const call = new CallScope(context, scopeOfCall(context));
        return scopes.withinCall(call, context, fn);
      });
    return subscribeWithin(locator, open, () => next.handle());
  }
}
