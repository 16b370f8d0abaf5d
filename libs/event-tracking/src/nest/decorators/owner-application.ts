import { Inject, Optional, UseGuards } from '@nestjs/common';
import { APPLICATION } from '../tokens.js';
import type { EventTrackingApplication } from '../module/application.js';
import { dispatchGuard } from '../request/dispatch.guard.js';

/** The property by which Nest's injector tells an instance which application it belongs to. */
const HOST = Symbol.for('event-tracking:host');

const hosts = new WeakMap<object, EventTrackingApplication>();

/**
 * Has instances of a class told their application, however Nest makes them.
 *
 * @remarks
 * The property is an accessor of the prototype: instances stay as they are, frozen ones too, and nothing shows when one
 * is printed or compared.
 */
export function declareHost(prototype: object): void {
  if (Object.hasOwn(prototype, HOST)) return;
  Object.defineProperty(prototype, HOST, {
    configurable: true,
    get(this: object) {
      return hosts.get(this);
    },
    set(this: object, application: EventTrackingApplication) {
      hosts.set(this, application);
    },
  });
  Inject(APPLICATION)(prototype, HOST);
  Optional()(prototype, HOST);
  UseGuards(dispatchGuard)(prototype.constructor);
}

/** Tells whether instances are to be told their application. */
export function declaresHost(candidate: object): boolean {
  try {
    return HOST in candidate;
  } catch {
    return false; // a proxy that refuses keys which it does not know
  }
}

/** The application of an instance, if it has been told. */
export function applicationOf(instance: unknown): EventTrackingApplication | undefined {
  return typeof instance === 'object' && instance !== null ? hosts.get(instance) : undefined;
}

/**
 * Tells an instance its application, where Nest's injector did not make it.
 *
 * @remarks A value that a module provides outlives the application, and is the next one's when that has ended.
 */
export function bindHost(instance: object, application: EventTrackingApplication): void {
  if (hosts.get(instance)?.hasEnded !== false) hosts.set(instance, application);
}
