import type { FactoryProvider, Provider } from '@nestjs/common';
import { checkKeys, checkOptions, type KeysOf } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { isPlainObject } from '../../core/event/event.js';
import type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleExtras,
  EventTrackingOptionsFactory,
} from './event-tracking-options.js';
import { OPTION_KEYS } from './read-blueprint.js';
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

/**
 * Checks the options that Nest needs when the module is declared.
 *
 * @throws {@link ImproperlyConfigured} if one is invalid
 */
export function checkExtras({ imports, isGlobal }: EventTrackingModuleExtras): void {
  if (imports !== undefined && !Array.isArray(imports)) {
    throw new ImproperlyConfigured(
      `imports must be an array of modules; received ${describeValue(imports)}.`,
    );
  }
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new ImproperlyConfigured(
      `isGlobal must be true or false; received ${describeValue(isGlobal)}.`,
    );
  }
}

/**
 * Checks the argument of `forRootAsync`.
 *
 * @throws {@link ImproperlyConfigured} with the received value and a hint
 */
export function checkAsyncOptions(options: EventTrackingModuleAsyncOptions): void {
  const misplaced =
    isPlainObject(options) && Object.keys(options).find((key) => OPTION_KEYS.includes(key));
  if (typeof misplaced === 'string') {
    throw new ImproperlyConfigured(
      `${WHERE}: ${misplaced} must be returned by the factory: ` +
        `useFactory: () => ({ ${misplaced}: … }).`,
    );
  }
  checkOptions(options, WHERE, ASYNC_KEYS);
  checkExtras(options);
  checkSource(options);
  checkExposed(options.expose ?? {});
}

/** Returns the providers that resolve {@link OPTIONS}. */
export function optionsProviders(options: EventTrackingModuleAsyncOptions): Provider[] {
  const { useFactory, inject, useClass, useExisting } = options;
  if (useFactory !== undefined) return [{ provide: OPTIONS, useFactory, inject: inject ?? [] }];
  const fromFactory = (tokens: FactoryProvider['inject']): Provider => ({
    provide: OPTIONS,
    useFactory: callOptionsFactory,
    inject: tokens,
  });
  if (useClass !== undefined) return [{ provide: useClass, useClass }, fromFactory([useClass])];
  return [fromFactory([useExisting!])];
}

function callOptionsFactory(
  factory: Partial<EventTrackingOptionsFactory> | null | undefined,
): unknown {
  if (typeof factory?.createEventTrackingOptions === 'function') {
    return factory.createEventTrackingOptions();
  }
  throw new ImproperlyConfigured(
    `${WHERE}: useClass or useExisting must provide an object with the method ` +
      `createEventTrackingOptions(); received ${describeValue(factory)}.`,
  );
}

function checkSource(options: EventTrackingModuleAsyncOptions): void {
  const given = SOURCES.filter((key) => options[key] !== undefined);
  if (given.length !== 1) {
    throw new ImproperlyConfigured(
      `${WHERE} must have exactly one of useFactory, useClass and useExisting; received ` +
        `${given.length === 0 ? 'none' : `${given.join(' and ')}. Keep one of them`}.`,
    );
  }
  const { useFactory, inject } = options;
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw new ImproperlyConfigured(
      `${WHERE}: useFactory must be a function; received ${describeValue(useFactory)}.`,
    );
  }
  if (inject !== undefined && !Array.isArray(inject)) {
    throw new ImproperlyConfigured(
      `${WHERE}: inject must be an array of tokens; received ${describeValue(inject)}.`,
    );
  }
}

function checkExposed(expose: NonNullable<EventTrackingModuleAsyncOptions['expose']>): void {
  checkOptions(expose, 'expose', { trackers: true, backends: true });
  const trackers: unknown = expose.trackers ?? [];
  if (!Array.isArray(trackers) || !trackers.every((name) => typeof name === 'string')) {
    throw new ImproperlyConfigured(
      `expose.trackers must be an array of names such as ['audit']; ` +
        `received ${describeValue(trackers)}.`,
    );
  }
  const backends: unknown = expose.backends ?? [];
  if (!Array.isArray(backends)) {
    throw new ImproperlyConfigured(
      `expose.backends must be an array of paths such as ['warehouse.mongo']; ` +
        `received ${describeValue(backends)}.`,
    );
  }
  for (const [index, each] of (backends as unknown[]).entries()) {
    const where = `expose.backends[${index}]`;
    if (typeof each === 'string') continue;
    const { tracker, path } = isPlainObject(each) ? each : {};
    if (typeof tracker !== 'string' || typeof path !== 'string') {
      throw new ImproperlyConfigured(
        `${where} must be a path such as 'warehouse.mongo' or { tracker, path }; ` +
          `received ${describeValue(each)}.`,
      );
    }
    checkKeys(each as object, where, ['tracker', 'path']);
  }
}
