import type { ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { Message } from './message-scope.js';
import type { RequestScopes } from './request-scopes.js';

type MessageHandler = (...args: unknown[]) => unknown;

/** A transport's server, or an application's own strategy. */
interface MessageServer {
  addHandler?: (pattern: unknown, handler: MessageHandler, ...rest: unknown[]) => unknown;
}

/**
 * Runs each message of a microservice in a scope of its own.
 *
 * @remarks
 * Wraps the handlers where Nest passes them to the server. Global interceptors miss guards and
 * filters, and do not reach a microservice that is connected without `inheritAppConfig`.
 */
export function openScopesOverMicroservices(
  modules: ModulesContainer,
  scopes: RequestScopes,
): void {
  // Nest before 11.1.4 does not announce its servers; the interceptor serves their messages.
  const { getRpcTargetRegistry } = modules as Partial<ModulesContainer>;
  const servers = getRpcTargetRegistry?.call(modules) as Observable<MessageServer> | undefined;
  servers?.subscribe((server) => {
    const { addHandler } = server;
    if (typeof addHandler !== 'function') return;
    server.addHandler = (pattern, handler, ...rest) =>
      Reflect.apply(addHandler, server, [pattern, inScope(handler, pattern, scopes), ...rest]);
  });
}

/**
 * Returns a proxy, because Nest links the handlers of an event by a property that the server sets on
 * the handler that it was given, and that the handler reads from itself.
 */
function inScope(handler: MessageHandler, pattern: unknown, scopes: RequestScopes): MessageHandler {
  return new Proxy(handler, {
    apply: (target, self, args: unknown[]) =>
      scopes.runMessage(readArguments(args, pattern), () => Reflect.apply(target, self, args)),
  });
}

function readArguments(args: readonly unknown[], pattern: unknown): Message {
  const [data, context] = isRequestFirst(args) ? args.slice(1) : args;
  const { getPattern } = (context ?? {}) as { getPattern?: () => unknown };
  return {
    request: context,
    pattern: getPattern === undefined ? pattern : getPattern.call(context),
    args: [data, context],
  };
}

/** Whether the arguments begin with the request of a request-scoped handler of the same event. */
function isRequestFirst([first, data, context]: readonly unknown[]): boolean {
  if (typeof first !== 'object' || first === null) return false;
  const request = first as { data?: unknown; context?: unknown };
  return 'data' in request && request.data === data && request.context === context;
}
