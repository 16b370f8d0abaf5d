import type { HttpAdapterHost } from '@nestjs/core';
import type { EventTrackingApplication } from './application.js';
import type { HttpRequest } from './http-request.js';
import type { RequestScopes } from './request-scopes.js';

/**
 * Opens a request's scope before any other middleware, guard or filter runs.
 *
 * @remarks
 * Goes through the HTTP adapter as soon as there is one: middleware that a module configures misses requests that match no
 * route, bodies that cannot be parsed, and what `app.use` put in front of it.
 */
export function openScopesOverHttp(
  adapterHost: HttpAdapterHost,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  adapterHost.init$.subscribe(() => {
    const adapter = adapterHost.httpAdapter as
      { use?: (middleware: Middleware) => unknown } | undefined;
    adapter?.use?.((request, _response, next) => {
      if (application.enabled) scopes.openHttp(request, next);
      else next();
    });
  });
}

type Middleware = (request: HttpRequest, response: unknown, next: () => void) => void;
