import { checkOptions } from '../core/diagnostics/check-options.js';
import { DELIVERY_KEYS, type DeliveryOptions } from '../delivery/delivery-options.js';
import {
  readDefinition,
  type BackendOptionsFactory,
  type HttpDeliveryOptions,
} from '../http/options-factory.js';
import {
  checkPosthogOptions,
  PosthogBackend,
  type PosthogBackendOptions,
} from './posthog-backend.js';

/** A {@link PosthogBackend} for the tree of `EventTrackingModule`. */
export interface PosthogBackendDefinition<Delivery = object> {
  useFactory: (...dependencies: unknown[]) => Promise<PosthogBackend>;
  inject: (string | symbol | (new (...args: never[]) => unknown))[];
  delivery: Delivery & Omit<DeliveryOptions, 'deadLetter'>;
}

const DELIVERY = { batchSize: 100, concurrency: 4 } as const;

/**
 * Sends events to PostHog; several projects are several backends.
 *
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export function posthogBackend<Delivery extends object = object>(
  options: (PosthogBackendOptions | BackendOptionsFactory<PosthogBackendOptions>) &
    HttpDeliveryOptions<Delivery>,
): PosthogBackendDefinition<Delivery> {
  const { delivery, inject, create, fixed } = readDefinition<PosthogBackendOptions, Delivery>(
    options,
    'posthogBackend',
  );
  checkOptions<DeliveryOptions>(delivery, 'posthogBackend: delivery', DELIVERY_KEYS);
  if (fixed !== undefined) checkPosthogOptions(fixed, 'posthogBackend');
  return {
    useFactory: async (...dependencies) => new PosthogBackend(await create(...dependencies)),
    inject: inject as PosthogBackendDefinition['inject'],
    delivery: { ...DELIVERY, ...delivery },
  };
}
