import type { WebSocketAdapter } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { ContextStack } from '../../core/context/context-stack.js';
import type { RequestScopes } from './request-scopes.js';

type Callback = (...args: unknown[]) => unknown;
interface MessageHandler {
  readonly message: unknown;
  readonly callback: Callback;
}

/**
 * Runs each connection of a gateway in a scope of its own, and each message in a scope inside it.
 *
 * @remarks
 * Wraps the callbacks at the WebSocket adapter, when Nest asks the configuration for it: Nest 11
 * builds gateways without global interceptors, and no interceptor sees guards, filters and the
 * hooks of a connection.
 */
export function openScopesOverGateways(config: ApplicationConfig, scopes: RequestScopes): void {
  const connections = new Connections(scopes);
  const { getIoAdapter } = config;
  const wrapped = new WeakSet<object>();
  config.getIoAdapter = () => {
    const adapter = Reflect.apply(getIoAdapter, config, []) as WebSocketAdapter | null;
    if (typeof adapter === 'object' && adapter !== null && !wrapped.has(adapter)) {
      wrapped.add(adapter);
      wrapAdapter(adapter, connections, scopes);
    }
    return adapter as WebSocketAdapter;
  };
}

function wrapAdapter(
  adapter: WebSocketAdapter,
  connections: Connections,
  scopes: RequestScopes,
): void {
  replace(adapter, 'bindClientConnect', ([server, connect, ...rest]) => [
    server,
    (client: unknown, ...details: unknown[]) =>
      connections.run(client, () => (connect as Callback)(client, ...details)),
    ...rest,
  ]);
  replace(adapter, 'bindClientDisconnect', ([client, disconnect, ...rest]) => [
    client,
    (...details: unknown[]) => connections.run(client, () => (disconnect as Callback)(...details)),
    ...rest,
  ]);
  replace(adapter, 'bindMessageHandlers', ([client, handlers, ...rest]) => [
    client,
    (handlers as MessageHandler[]).map((handler) => ({
      ...handler,
      callback: (...args: unknown[]) =>
        scopes.runMessage(
          { request: client, pattern: handler.message, args: [client, args[0]] },
          () => handler.callback(...args),
          connections.scopeOf(client),
        ),
    })),
    ...rest,
  ]);
}

function replace(
  adapter: WebSocketAdapter,
  name: 'bindClientConnect' | 'bindClientDisconnect' | 'bindMessageHandlers',
  change: (args: unknown[]) => unknown[],
): void {
  const method = adapter[name] as Callback | undefined;
  if (method === undefined) return;
  adapter[name] = (...args: unknown[]): unknown => Reflect.apply(method, adapter, change(args));
}

class Connections {
  readonly #scopes = new WeakMap<object, ContextStack>();

  constructor(private readonly scopes: RequestScopes) {}

  scopeOf(client: unknown): ContextStack {
    if (typeof client !== 'object' || client === null) return this.scopes.openConnection();
    let scope = this.#scopes.get(client);
    if (scope === undefined) {
      scope = this.scopes.openConnection();
      this.#scopes.set(client, scope);
    }
    return scope;
  }

  run<T>(client: unknown, fn: () => T): T {
    return this.scopes.run(this.scopeOf(client), fn);
  }
}
