import type { FactoryProvider, Provider } from '@nestjs/common';
import { checkKeys, checkOptions, type KeysOf } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { isPlainObject } from '../../core/event/event.js';
import { OPTION_KEYS } from './blueprint.js';
import type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleExtras,
  EventTrackingOptionsFactory,
} from './event-tracking-options.js';
import { OPTIONS } from '../tokens.js';

const WHERE = 'EventTrackingModule.forRootAsync';
const SOURCES = ['useFactory', 'useClass', 'useExisting'] as const;
const ASYNC_KEYS: KeysOf<EventTrackingModuleAsyncOptions> = {
  useFactory: true,
  inject: true,
  useClass: true,
  useExisting: true,
  expose: true,
  imports: true,
  isGlobal: true,
};

/** @throws {@link ImproperlyConfigured} for what cannot be known later than when the module is declared */
export function checkExtras({ imports, isGlobal }: EventTrackingModuleExtras): void {
  if (imports !== undefined && !Array.isArray(imports)) {
    throw new ImproperlyConfigured(
      `imports: expected an array of modules, received ${describeValue(imports)}.`,
    );
  }
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new ImproperlyConfigured(
      `isGlobal: expected true or false, received ${describeValue(isGlobal)}.`,
    );
  }
}

/**
 * Checks the argument of `forRootAsync`, before Nest takes it apart.
 *
 * @throws {@link ImproperlyConfigured} with what was received and how to mend it
 */
export function checkAsyncOptions(options: EventTrackingModuleAsyncOptions): void {
  const inside =
    isPlainObject(options) && Object.keys(options).find((key) => OPTION_KEYS.includes(key));
  if (typeof inside === 'string') {
    throw new ImproperlyConfigured(
      `${WHERE}: the key '${inside}' belongs into what the factory returns: ` +
        `useFactory: () => ({ ${inside}: … }).`,
    );
  }
  checkOptions(options, WHERE, ASYNC_KEYS);
  checkExtras(options);
  checkSource(options);
  checkExposed(options.expose ?? {});
}

/** Provides {@link OPTIONS} from wherever they come. */
export function optionsProviders(options: EventTrackingModuleAsyncOptions): Provider[] {
  const { useFactory, inject, useClass, useExisting } = options;
  if (useFactory !== undefined) return [{ provide: OPTIONS, useFactory, inject: inject ?? [] }];
  const fromFactory = (token: FactoryProvider['inject']): Provider => ({
    provide: OPTIONS,
    useFactory: makeOptions,
    inject: token,
  });
  if (useClass !== undefined) return [{ provide: useClass, useClass }, fromFactory([useClass])];
  return [fromFactory([useExisting!])];
}

function makeOptions(factory: Partial<EventTrackingOptionsFactory> | null | undefined): unknown {
  if (typeof factory?.createEventTrackingOptions === 'function') {
    return factory.createEventTrackingOptions();
  }
  throw new ImproperlyConfigured(
    `${WHERE}: expected a provider with the method createEventTrackingOptions(), received ${describeValue(factory)}.`,
  );
}

function checkSource(options: EventTrackingModuleAsyncOptions): void {
  const given = SOURCES.filter((key) => options[key] !== undefined);
  if (given.length !== 1) {
    throw new ImproperlyConfigured(
      `${WHERE}: expected useFactory, useClass or useExisting, received ` +
        `${given.length === 0 ? 'none of them' : `${given.join(' and ')}. Keep one of them`}.`,
    );
  }
  const { useFactory, inject } = options;
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw new ImproperlyConfigured(
      `${WHERE}: useFactory: expected a function, received ${describeValue(useFactory)}.`,
    );
  }
  if (inject !== undefined && !Array.isArray(inject)) {
    throw new ImproperlyConfigured(
      `${WHERE}: inject: expected an array of tokens, received ${describeValue(inject)}.`,
    );
  }
}

function checkExposed(expose: NonNullable<EventTrackingModuleAsyncOptions['expose']>): void {
  checkOptions(expose, 'expose', { trackers: true, backends: true });
  const trackers: unknown = expose.trackers ?? [];
  if (!Array.isArray(trackers) || !trackers.every((name) => typeof name === 'string')) {
    throw new ImproperlyConfigured(
      `expose.trackers: expected an array of names such as ['audit'], received ${describeValue(trackers)}.`,
    );
  }
  const backends: unknown = expose.backends ?? [];
  if (!Array.isArray(backends)) {
    throw new ImproperlyConfigured(
      `expose.backends: expected an array of paths such as ['warehouse.mongo'], received ${describeValue(backends)}.`,
    );
  }
  for (const [index, each] of (backends as unknown[]).entries()) {
    const where = `expose.backends[${index}]`;
    if (typeof each === 'string') continue;
    const { tracker, path } = isPlainObject(each) ? each : {};
    if (typeof tracker !== 'string' || typeof path !== 'string') {
      throw new ImproperlyConfigured(
        `${where}: expected a path such as 'warehouse.mongo', or { tracker, path }, received ${describeValue(each)}.`,
      );
    }
    checkKeys(each as object, where, ['tracker', 'path']);
  }
}
