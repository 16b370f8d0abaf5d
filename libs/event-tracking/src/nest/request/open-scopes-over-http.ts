import { types } from 'node:util';
import type { HttpAdapterHost } from '@nestjs/core';
import { copyFunctionMetadata } from '../decorators/copy-function-metadata.js';
import type { EventTrackingApplication } from '../module/application.js';
import { handlerOfRoute } from './http-handlers.js';
import type { HttpRequest } from './http-request.js';
import type { RequestScopes } from './request-scopes.js';

type Method = (...args: unknown[]) => unknown;
type Adapter = Record<string, Method | undefined>;
/** A middleware, a route, or the handler of requests that match no route. */
type Stage = (request: HttpRequest, response: unknown, next: () => void) => unknown;
type ErrorStage = (
  error: unknown,
  request: HttpRequest,
  response: unknown,
  next: () => void,
) => unknown;

const ROUTE_METHODS = (
  'get post put delete patch all options head query search ' +
  'propfind proppatch mkcol copy move lock unlock'
).split(' ');

/**
 * Runs each HTTP request in a scope of its own.
 *
 * @remarks
 * Wraps the stages at the HTTP adapter, when it is set: middleware that a module configures
 * misses requests that match no route, bodies that cannot be parsed, and middleware of `app.use`;
 * an interceptor misses guards and filters. The scope opens in the first stage that sees the
 * request. Each later stage runs in it again, because a middleware may call `next` from a callback
 * that belongs to no request.
 */
export function openScopesOverHttp(
  adapterHost: HttpAdapterHost,
  application: EventTrackingApplication,
  scopes: RequestScopes,
): void {
  if (!application.enabled) return;
  adapterHost.init$.subscribe(() => {
    const adapter = adapterHost.httpAdapter as unknown as Adapter | undefined;
    if (adapter?.['use'] === undefined) return;
    openFirst(adapter, scopes);
    const inScope = new StagesInScope(scopes);
    replace(adapter, 'use', (args) => args.map((arg) => inScope.middleware(arg)));
    replace(adapter, 'setErrorHandler', ([handler, ...rest]) => [inScope.error(handler), ...rest]);
    replace(adapter, 'setNotFoundHandler', ([handler, ...rest]) => [
      inScope.stage(handler),
      ...rest,
    ]);
    for (const method of ROUTE_METHODS)
      replace(adapter, method, (args) => [
        ...args.slice(0, -1),
        inScope.route(args.at(-1), args[0]),
      ]);
    replaceMiddlewareFactory(adapter, inScope);
  });
}

/** Opens scopes in the first stage; in Fastify in a hook, which costs less than middleware. */
function openFirst(adapter: Adapter, scopes: RequestScopes): void {
  const instance = adapter['getInstance']?.() as { addHook?: Method } | undefined;
  if (adapter['getType']?.() === 'fastify' && typeof instance?.addHook === 'function') {
    instance.addHook('onRequest', (request: unknown, reply: unknown, done: unknown) =>
      scopes.enterHttp(request as HttpRequest, reply, done as () => void),
    );
  } else {
    const open: Stage = (request, response, next) => scopes.enterHttp(request, response, next);
    adapter['use']!(open);
  }
}

function replace(adapter: Adapter, name: string, change: (args: unknown[]) => unknown[]): void {
  const method = adapter[name];
  if (method === undefined) return;
  adapter[name] = (...args) => Reflect.apply(method, adapter, change(args));
}

/** Wraps the middleware that modules configure, which Nest registers with an adapter's function. */
function replaceMiddlewareFactory(adapter: Adapter, inScope: StagesInScope): void {
  const method = adapter['createMiddlewareFactory'];
  if (method === undefined) return;
  const wrapped = (register: unknown) => (path: unknown, middleware: unknown) =>
    (register as Method)(path, inScope.middleware(middleware));
  adapter['createMiddlewareFactory'] = (...args) => {
    const register = Reflect.apply(method, adapter, args);
    return types.isPromise(register) ? register.then(wrapped) : wrapped(register);
  };
}

/** Wraps the stages of a request, so that they run in its scope. */
class StagesInScope {
  constructor(private readonly scopes: RequestScopes) {}

  /** Wraps a middleware, or a list of them; returns paths unchanged. */
  middleware(middleware: unknown): unknown {
    if (Array.isArray(middleware)) return middleware.map((each) => this.middleware(each));
    if (typeof middleware !== 'function') return middleware;
    // Express must recognise an application that it mounts.
    if ('handle' in middleware && 'set' in middleware) return [this.#resume, middleware];
    return middleware.length > 3 ? this.error(middleware) : this.stage(middleware);
  }

  readonly #resume: Stage = (request, response, next) =>
    this.scopes.enterHttp(request, response, next);

  stage(stage: unknown): unknown {
    if (typeof stage !== 'function') return stage;
    const { scopes } = this;
    const run = stage as Stage;
    const wrapper: Stage = (request, response, next) => {
      const scope = scopes.ofHttp(request, response);
      return scopes.isCurrent(scope)
        ? run(request, response, next)
        : scopes.run(scope, () => run(request, response, next));
    };
    copyFunctionMetadata(wrapper, stage);
    return wrapper;
  }

  error(stage: unknown): unknown {
    if (typeof stage !== 'function') return stage;
    const { scopes } = this;
    const run = stage as ErrorStage;
    const wrapper: ErrorStage = (error, request, response, next) => {
      const scope = scopes.ofHttp(request, response);
      return scopes.isCurrent(scope)
        ? run(error, request, response, next)
        : scopes.run(scope, () => run(error, request, response, next));
    };
    copyFunctionMetadata(wrapper, stage);
    return wrapper;
  }

  /** Wraps a route; tells decorators that Nest is about to call the route's handler. */
  route(route: unknown, pattern: unknown): unknown {
    if (typeof route !== 'function') return route;
    const handler = handlerOfRoute(route);
    const { scopes } = this;
    const run = route as Stage;
    const wrapper: Stage = (request, response, next) => {
      const scope = scopes.ofHttp(request, response);
      if (typeof pattern === 'string') scope.addRoute(pattern);
      if (handler !== undefined) scope.expectCall(handler, [request, response, next]);
      return scopes.isCurrent(scope)
        ? run(request, response, next)
        : scopes.run(scope, () => run(request, response, next));
    };
    copyFunctionMetadata(wrapper, route);
    return wrapper;
  }
}
