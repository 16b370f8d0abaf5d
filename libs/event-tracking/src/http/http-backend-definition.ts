import { checkOptions } from '../core/diagnostics/check-options.js';
import { DELIVERY_KEYS, type DeliveryOptions } from '../delivery/delivery-options.js';
import { checkHttpOptions, type HttpBackendOptions } from './http-backend-options.js';
import { HttpBackend } from './http-backend.js';
import {
  readDefinition,
  type BackendOptionsFactory,
  type HttpDeliveryOptions,
} from './options-factory.js';

/** An {@link HttpBackend} for the tree of `EventTrackingModule`. */
export interface HttpBackendDefinition<Delivery = object> {
  useFactory: (...dependencies: unknown[]) => Promise<HttpBackend>;
  inject: (string | symbol | (new (...args: never[]) => unknown))[];
  delivery: Delivery & Omit<DeliveryOptions, 'deadLetter'>;
}

const DELIVERY = { batchSize: 100, concurrency: 4 } as const;
/** Requests with one event each, several at once. */
const DELIVERY_OF_SINGLE = { batchSize: 1, concurrency: 8 } as const;

/**
 * Sends events to an HTTP endpoint; several endpoints are several backends.
 *
 * @example
 * ```ts
 * EventTrackingModule.forRoot({
 *   backends: { collector: httpBackend({ url: 'https://collector.example.org/events' }) },
 * })
 * ```
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export function httpBackend<Delivery extends object = object>(
  options: (HttpBackendOptions | BackendOptionsFactory<HttpBackendOptions>) &
    HttpDeliveryOptions<Delivery>,
): HttpBackendDefinition<Delivery> {
  const { delivery, inject, create, fixed } = readDefinition<HttpBackendOptions, Delivery>(
    options,
    'httpBackend',
  );
  checkOptions<DeliveryOptions>(delivery, 'httpBackend: delivery', DELIVERY_KEYS);
  if (fixed !== undefined) checkHttpOptions(fixed, 'httpBackend');
  return {
    useFactory: async (...dependencies) => new HttpBackend(await create(...dependencies)),
    inject: inject as HttpBackendDefinition['inject'],
    delivery: { ...(fixed?.format === 'single' ? DELIVERY_OF_SINGLE : DELIVERY), ...delivery },
  };
}
