import type { ModulesContainer } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { nameOfType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from '../module/application.js';
import { planOf } from './decorate-method.js';
import { bindHost, declaresHost } from './owner-application.js';

/**
 * Binds decorated providers and controllers to their application, and checks their tracker names.
 *
 * @remarks
 * Nest injects the application only into instances that it creates from a class; providers from
 * `useFactory` and `useValue` are bound here.
 * @throws {@link ImproperlyConfigured} if a decorator names an unknown tracker
 */
export function bindDecoratedProviders(
  modules: ModulesContainer,
  application: EventTrackingApplication,
): void {
  for (const module of modules.values()) {
    for (const wrapper of [...module.providers.values(), ...module.controllers.values()]) {
      const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
      if (isDecorated(instance)) bindHost(instance, application);
      const prototype: unknown = isDecorated(instance)
        ? instance
        : (wrapper.metatype?.prototype as unknown);
      if (isDecorated(prototype)) checkTrackers(prototype, application);
    }
  }
}

function isDecorated(candidate: unknown): candidate is object {
  return typeof candidate === 'object' && candidate !== null && declaresHost(candidate);
}

function checkTrackers(instanceOrPrototype: object, application: EventTrackingApplication): void {
  let owner: object | null = instanceOrPrototype;
  while (owner !== null && owner !== Object.prototype) {
    for (const key of Reflect.ownKeys(owner)) {
      const plan = planOf(Object.getOwnPropertyDescriptor(owner, key)?.value);
      for (const step of [...(plan?.contexts ?? []), ...(plan?.emits ?? [])]) {
        const { tracker } = step;
        if (tracker !== undefined && application.tracker(tracker) === undefined) {
          const known = [...application.trackers.keys()].map((each) => `'${each}'`).join(', ');
          const name = nameOfType('event' in step ? step.event : step.context);
          throw new ImproperlyConfigured(
            `'${name}' on ${instanceOrPrototype.constructor.name}.${String(key)} uses the ` +
              `tracker '${tracker}', which is not configured. Configured trackers: ${known}. ` +
              `Add it to trackers in EventTrackingModule.forRoot.`,
          );
        }
      }
    }
    owner = Object.getPrototypeOf(owner) as object | null;
  }
}
