import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { EventTrackingApplication } from './application.js';
import { announceDispatch } from './dispatches.js';
import { declaresHost } from './host.js';
import type { RequestScopes } from './request-scopes.js';
import { subscribeWithin } from './subscribe-within.js';

const APPLICATION_OF_CALL = Symbol.for('event-tracking:application-of-call');

type MarkedContext = ExecutionContext & { [APPLICATION_OF_CALL]?: EventTrackingApplication };

/** The application whose interceptor a call has passed. */
export function applicationOfCall(context: ExecutionContext): EventTrackingApplication | undefined {
  return (context as MarkedContext)[APPLICATION_OF_CALL];
}

/** Makes sure that what Nest dispatches runs in the scope of its request, and tells decorators that Nest did. */
export class RequestScopeInterceptor implements NestInterceptor {
  constructor(
    private readonly application: EventTrackingApplication,
    private readonly scopes: RequestScopes,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { application, scopes } = this;
    if (!application.enabled) return next.handle();
    (context as MarkedContext)[APPLICATION_OF_CALL] = application;
    const { locator } = application;
    const announces = declaresHost(context.getClass().prototype as object);
    return scopes.isWithin(context)
      ? this.#handle(context, next, announces)
      : subscribeWithin(
          locator,
          (fn) => scopes.within(context, fn),
          () => this.#handle(context, next, announces),
        );
  }

  #handle(context: ExecutionContext, next: CallHandler, announces: boolean): Observable<unknown> {
    if (!announces) return next.handle();
    const { locator } = this.application;
    if (context.getType<string>() !== 'graphql') {
      announceDispatch(locator.get(), context);
      return next.handle();
    }
    // The resolvers of one operation share its request and run side by side: each is announced in a scope of its own.
    return subscribeWithin(
      locator,
      (fn) => locator.run('handler', fn),
      () => {
        announceDispatch(locator.get(), context);
        return next.handle();
      },
    );
  }
}
