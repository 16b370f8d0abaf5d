import type { CanActivate } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { MessageScope, scopeOfCall } from './message-scope.js';

/** The metadata key of the guards of a method, as `@UseGuards` sets it. */
const GUARDS = '__guards__';

/** Tells the scope of a message which handler Nest is about to call. */
const dispatchGuard: CanActivate = {
  canActivate(context) {
    const scope = scopeOfCall(context);
    if (scope instanceof MessageScope) scope.expectDispatch(context);
    return true;
  },
};

/**
 * Adds a guard to gateways and to the message handlers of controllers.
 *
 * @remarks
 * Global interceptors of the application reach neither the gateways of Nest 11 nor microservices
 * that are connected without `inheritAppConfig`; metadata of the handlers does. The guard belongs
 * to no application, because applications can share a class.
 */
export function guardMessageHandlers(modules: ModulesContainer): void {
  for (const { providers, controllers } of modules.values()) {
    for (const { metatype } of [...providers.values(), ...controllers.values()]) {
      for (const target of messageHandlersOf(metatype)) addGuard(target);
    }
  }
}

/** Returns a gateway, all of whose handlers handle messages, or the handlers of a controller. */
function messageHandlersOf(type: unknown): Function[] {
  if (typeof type !== 'function') return [];
  return handlesMessages(type) ? [type] : methodsOf(type).filter(handlesMessages);
}

/** Lists the methods of a class, including inherited ones. */
export function methodsOf(type: Function): Function[] {
  const methods: Function[] = [];
  let owner: unknown = type.prototype;
  while (typeof owner === 'object' && owner !== null && owner !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (name !== 'constructor' && typeof value === 'function') methods.push(value as Function);
    owner = Object.getPrototypeOf(owner);
  }
  return methods;
}

function handlesMessages(target: Function): boolean {
  return (Reflect.getMetadataKeys(target) as unknown[]).some((key) =>
    /^(microservices|websockets):/.test(String(key)),
  );
}

function addGuard(target: Function): void {
  const guards = (Reflect.getMetadata(GUARDS, target) ?? []) as readonly unknown[];
  if (!guards.includes(dispatchGuard))
    Reflect.defineMetadata(GUARDS, [dispatchGuard, ...guards], target);
}
