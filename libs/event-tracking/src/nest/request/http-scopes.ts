import type { HttpAdapterHost } from '@nestjs/core';
import type { EventTrackingApplication } from '../module/application.js';
import type { HttpRequest } from './http-request.js';
import type { RequestScopes } from './request-scopes.js';
import { copyFunctionMetadata } from '../decorators/copy-function-metadata.js';

type Middleware = (request: HttpRequest, response: unknown, next: () => void) => void;
type RouteHandler = (request: object, ...rest: unknown[]) => unknown;
type Adapter = Record<string, ((...args: unknown[]) => unknown) | undefined>;

/** The methods by which Nest registers routes at an HTTP adapter. */
const ROUTE_METHODS = (
  'get post put delete patch all options head query search ' +
  'propfind proppatch mkcol copy move lock unlock'
).split(' ');

/**
 * Runs all of an HTTP request in a scope of its own.
 *
 * @remarks
 * Goes through the HTTP adapter as soon as there is one: middleware that a module configures misses requests that match no
 * route, bodies that cannot be parsed, and what `app.use` put in front of it; an interceptor misses guards and filters, and
 * costs each request as much as half of what Nest does.
 */
export function openScopesOverHttp(
  adapterHost: HttpAdapterHost,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  adapterHost.init$.subscribe(() => {
    const adapter = adapterHost.httpAdapter as unknown as Adapter | undefined;
    if (adapter?.['use'] === undefined) return;
    const open: Middleware = (request, _response, next) => {
      if (application.enabled) scopes.openHttp(request, next);
      else next();
    };
    adapter['use'](open);
    for (const method of ROUTE_METHODS) resumeScopesOf(method, adapter, scopes);
  });
}

/** Has the routes that are registered by a method of the adapter run in the scopes of their requests. */
function resumeScopesOf(method: string, adapter: Adapter, scopes: RequestScopes): void {
  const register = adapter[method];
  if (register === undefined) return;
  adapter[method] = (...args) => {
    const handler = args.at(-1);
    if (typeof handler !== 'function') return Reflect.apply(register, adapter, args);
    const resumed: RouteHandler = (request, ...rest) =>
      scopes.resumeHttp(request, () => (handler as RouteHandler)(request, ...rest));
    copyFunctionMetadata(resumed, handler);
    return Reflect.apply(register, adapter, [...args.slice(0, -1), resumed]);
  };
}
