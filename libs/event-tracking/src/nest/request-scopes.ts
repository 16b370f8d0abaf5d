import type { ExecutionContext } from '@nestjs/common';
import type { ContextStack } from '../core/context-stack.js';
import { describeError } from '../core/describe-error.js';
import type { EventTrackingApplication } from './application.js';
import type { HttpRequest } from './http-request.js';
import type { RequestContext } from './request-context.js';

/** Opens a scope for each request, message and operation, and finds it again where it was lost on the way. */
export class RequestScopes {
  readonly #scopes = new WeakMap<object, ContextStack>();

  constructor(
    private readonly application: EventTrackingApplication,
    private readonly requestContext: RequestContext,
  ) {}

  /** Runs the rest of an HTTP request in a scope of its own. */
  openHttp<T>(request: HttpRequest, proceed: () => T): T {
    return this.#open(request, (scope) => this.requestContext.enterHttp(scope, request), proceed);
  }

  /** Runs what Nest dispatches in the scope of its request; opens one where no middleware has. */
  within<T>(context: ExecutionContext, proceed: () => T): T {
    const { locator } = this.application;
    const { key, request } = requestOf(context);
    const scope = this.#scopes.get(key);
    if (scope !== undefined) return locator.run(scope, proceed);
    return this.#open(
      key,
      (opened) =>
        request === undefined
          ? this.requestContext.enterMessage(opened, context)
          : this.requestContext.enterHttp(opened, request, context),
      proceed,
    );
  }

  /** Tells whether the running code is in the scope of what Nest dispatches. */
  isWithin(context: ExecutionContext): boolean {
    const scope = this.#scopes.get(requestOf(context).key);
    return scope !== undefined && this.application.locator.get().isWithin(scope);
  }

  #open<T>(key: object, enter: (scope: ContextStack) => void, proceed: () => T): T {
    const { locator, diagnostics } = this.application;
    return locator.run('request', () => {
      const scope = locator.get();
      this.#scopes.set(key, scope);
      try {
        enter(scope);
      } catch (fault) {
        diagnostics.error(
          'the request context',
          `A request's context could not be made: ${describeError(fault)}.`,
        );
      }
      return proceed();
    });
  }
}

/** What identifies a request in all its stages, and the HTTP request where there is one. */
function requestOf(context: ExecutionContext): { key: object; request: HttpRequest | undefined } {
  const type = context.getType<string>();
  if (type === 'http') return httpRequest(context.switchToHttp().getRequest<RawRequest>());
  if (type === 'graphql') {
    const {
      req,
      request = req,
      reply,
    } = context.getArgByIndex<GraphqlContext | undefined>(2) ?? {};
    const carried = request ?? reply?.request;
    if (typeof carried?.headers === 'object') return httpRequest(carried);
  }
  // Nest hands the same array of arguments to all that a message passes.
  return { key: context.getArgs(), request: undefined };
}

/** Fastify wraps the request that middleware has seen. */
type RawRequest = HttpRequest & { raw?: HttpRequest };

/** Where the drivers of GraphQL keep the HTTP request of an operation. */
interface GraphqlContext {
  req?: RawRequest;
  request?: RawRequest;
  reply?: { request?: RawRequest };
}

function httpRequest(request: RawRequest): { key: object; request: HttpRequest } {
  const raw = request.raw ?? request;
  return { key: raw, request: raw };
}
