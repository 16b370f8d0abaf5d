import { types } from 'node:util';
import type { LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { nameOfType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from '../module/application.js';
import { planOf } from './decorate-method.js';
import { bindHost, declaresHost } from './owner-application.js';

type Module = ModulesContainer extends Map<string, infer Value> ? Value : never;
type Provider = Module['providers'] extends Map<unknown, infer Value> ? Value : never;

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
    for (const provider of [...module.providers.values(), ...module.controllers.values()]) {
      bindProvider(provider, application);
    }
  }
}

/** Calls a function after each module that is loaded lazily; Nest calls no hooks of such modules. */
export function afterLazyModules(loader: LazyModuleLoader, bind: () => void): void {
  const load = loader.load.bind(loader);
  loader.load = async (...args) => {
    const module = await load(...args);
    bind();
    return module;
  };
}

function bindProvider(provider: Provider, application: EventTrackingApplication): void {
  bindLaterInstances(provider, application);
  const instance: unknown = provider.isDependencyTreeStatic() ? provider.instance : undefined;
  const transients = provider
    .getStaticTransientInstances()
    .map((host) => host?.instance as unknown);
  for (const each of [instance, ...transients]) {
    if (isDecorated(each)) bindHost(each, application);
  }
  const prototype: unknown = isDecorated(instance)
    ? instance
    : (provider.metatype?.prototype as unknown);
  if (isDecorated(prototype)) checkTrackers(prototype, application);
}

const bindingFactories = new WeakSet<Function>();

/** Binds the objects that a factory creates for each request, or for each object that injects one. */
function bindLaterInstances(provider: Provider, application: EventTrackingApplication): void {
  const { metatype: factory, inject } = provider;
  const isCalledAgain = provider.isTransient || !provider.isDependencyTreeStatic();
  if (!isCalledAgain || typeof factory !== 'function' || !Array.isArray(inject)) return;
  if (bindingFactories.has(factory)) return;
  const bind = (made: unknown): unknown => {
    if (isDecorated(made)) bindHost(made, application);
    return made;
  };
  const bindingFactory = (...args: unknown[]): unknown => {
    const made: unknown = Reflect.apply(factory, undefined, args);
    return types.isPromise(made) ? made.then(bind) : bind(made);
  };
  bindingFactories.add(bindingFactory);
  provider.metatype = bindingFactory;
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
        if ('event' in step && step.transaction === 'commit') application.asksForCommit = true;
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
