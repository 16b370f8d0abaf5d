import type { ModulesContainer } from '@nestjs/core';
import { isObservable, type Observable } from 'rxjs';
import { withContext, withoutContext } from './with-context.js';

type Method = (...args: unknown[]) => unknown;

/** The part of a `ClientProxy` of `@nestjs/microservices` that this module changes. */
type Client = Record<'send' | 'emit' | 'connect' | 'close', Method> & { getService?: Method };

const CLIENT_METHODS = ['send', 'emit', 'connect', 'close'] as const;

const bound = new WeakSet<object>();

/**
 * Has the microservice clients of an application answer each caller in the caller's own context.
 *
 * @remarks
 * The requests of an application share the connection of a client. Its callbacks run in the
 * context of the request that connected it, and so would the operators behind `client.send(…)`.
 * Clients are found among providers, and in properties of providers and controllers.
 */
export function bindSharedClients(modules: ModulesContainer): void {
  for (const { providers, controllers } of modules.values()) {
    for (const wrapper of [...providers.values(), ...controllers.values()]) {
      const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
      if (!canBeRead(instance)) continue;
      for (const candidate of [instance, ...valuesOf(instance)]) {
        if (isClient(candidate)) bindClient(candidate);
      }
    }
  }
}

function bindClient(client: Client): void {
  if (bound.has(client)) return;
  bound.add(client);
  override(client, 'send', deliverInContext);
  override(client, 'emit', deliverInContext);
  override(client, 'connect', (connect) => withoutContext(connect));
  // The client of gRPC has methods of its own for each service.
  if (client.getService !== undefined)
    override(client, 'getService', (getService) => bindService(getService()));
}

function bindService(service: unknown): unknown {
  if (typeof service !== 'object' || service === null) return service;
  for (const [name, method] of Object.entries(service)) {
    if (typeof method === 'function')
      (service as Record<string, unknown>)[name] = (...args: unknown[]) =>
        deliverInContext(() => Reflect.apply(method as Method, service, args));
  }
  return service;
}

function deliverInContext(call: () => unknown): unknown {
  const result = call();
  return isObservable(result) ? (result as Observable<unknown>).pipe(withContext()) : result;
}

/** Replaces an inherited method, for one object only. */
function override(client: Client, name: keyof Client, around: (call: () => unknown) => unknown) {
  const value = (...args: unknown[]): unknown =>
    around(() => {
      const { [name]: method } = Object.getPrototypeOf(client) as Client;
      return Reflect.apply(method!, client, args);
    });
  Reflect.defineProperty(client, name, { value, configurable: true, writable: true });
}

/**
 * Whether an object is a client of `@nestjs/microservices`, which may not be installed.
 *
 * @remarks Doubles in tests have methods of their own, which must stay as they are.
 */
function isClient(candidate: unknown): candidate is Client {
  if (!canBeRead(candidate)) return false;
  return (
    ownValue(candidate, 'routingMap') instanceof Map &&
    CLIENT_METHODS.every(
      (name) =>
        !Object.hasOwn(candidate, name) &&
        typeof (candidate as Partial<Client>)[name] === 'function',
    )
  );
}

function canBeRead(candidate: unknown): candidate is object {
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    !Array.isArray(candidate) &&
    !ArrayBuffer.isView(candidate)
  );
}

/** Returns the values of an object's own properties, without running getters. */
function valuesOf(object: object): unknown[] {
  return Object.keys(object).map((key) => ownValue(object, key));
}

function ownValue(object: object, key: string): unknown {
  try {
    return Object.getOwnPropertyDescriptor(object, key)?.value;
  } catch {
    return undefined;
  }
}
