import type { ExecutionContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { EventTrackingApplication } from './application.js';
import type { RequestScopes } from './request-scopes.js';
import { subscribeWithin } from './subscribe-within.js';

type PreRequestHook = (
  context: ExecutionContext,
  next: () => Observable<unknown>,
) => Observable<unknown>;

/**
 * Opens a microservice message's scope before its guards run.
 *
 * @remarks Nest 12 has hooks for this; on Nest 11 the scope is opened by the interceptor, behind the guards.
 */
export function openScopesOverMessages(
  config: ApplicationConfig,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  const { registerPreRequestHook } = config as {
    registerPreRequestHook?: (hook: PreRequestHook) => void;
  };
  registerPreRequestHook?.call(config, (context, next) =>
    application.enabled
      ? subscribeWithin(application.locator, (fn) => scopes.within(context, fn), next)
      : next(),
  );
}
