import type { ModulesContainer } from '@nestjs/core';
import { declaresHost } from '../decorators/owner-application.js';

/**
 * The metadata key under which a handler stores itself; Nest copies a handler's metadata to the
 * route that calls it.
 */
const HANDLER = Symbol.for('event-tracking:handler');

/**
 * Marks the methods of controllers that have decorated methods, so that their routes can be
 * recognized when Nest registers them.
 *
 * @remarks Marks all methods, because another decorator may have wrapped a decorated one.
 */
export function markHandlers(modules: ModulesContainer): void {
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      const prototype: unknown = metatype?.prototype;
      if (typeof prototype === 'object' && prototype !== null && declaresHost(prototype))
        markMethods(prototype);
    }
  }
}

/** Returns the handler that a route calls, if its controller has decorated methods. */
export function handlerOfRoute(route: Function): Function | undefined {
  return Reflect.getOwnMetadata(HANDLER, route) as Function | undefined;
}

function markMethods(prototype: object): void {
  let owner: object | null = prototype;
  while (owner !== null && owner !== Object.prototype) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(owner))) {
      if (typeof value === 'function') Reflect.defineMetadata(HANDLER, value, value as Function);
    }
    owner = Object.getPrototypeOf(owner) as object | null;
  }
}
