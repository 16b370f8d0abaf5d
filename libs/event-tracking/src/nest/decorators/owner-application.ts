import { Inject, Optional } from '@nestjs/common';
import { APPLICATION } from '../tokens.js';
import type { EventTrackingApplication } from '../module/application.js';

/** The property through which Nest injects the owning application into an instance. */
const HOST = Symbol.for('event-tracking:host');

const HOSTS = Symbol.for('event-tracking:hosts');

/** The owning applications; copies of the package share them, as a class may use several copies. */
const holder = globalThis as { [HOSTS]?: WeakMap<object, EventTrackingApplication> };
const hosts = (holder[HOSTS] ??= new WeakMap());

/**
 * Makes Nest inject the owning application into instances of a class.
 *
 * @remarks
 * The property is an accessor of the prototype. It works for frozen instances and is invisible when
 * an instance is printed or compared.
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
}

/** Whether an object's class has a decorated method. */
export function declaresHost(candidate: object): boolean {
  try {
    return HOST in candidate;
  } catch {
    return false; // a proxy that throws for unknown keys
  }
}

/** Returns the owning application of an instance, if it is bound to one. */
export function applicationOf(instance: unknown): EventTrackingApplication | undefined {
  return typeof instance === 'object' && instance !== null ? hosts.get(instance) : undefined;
}

/**
 * Binds an instance that Nest did not create to its application.
 *
 * @remarks
 * A provided value can outlive its application. The next one takes it over, even if it starts while
 * the previous one is still closing.
 */
export function bindHost(instance: object, application: EventTrackingApplication): void {
  if (hosts.get(instance)?.isClosing !== false) hosts.set(instance, application);
}
