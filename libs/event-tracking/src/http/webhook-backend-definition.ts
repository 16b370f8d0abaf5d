import { checkOptions } from '../core/diagnostics/check-options.js';
import { DELIVERY_KEYS, type DeliveryOptions } from '../delivery/delivery-options.js';
import {
  readDefinition,
  type BackendOptionsFactory,
  type HttpDeliveryOptions,
} from './options-factory.js';
import {
  checkWebhookOptions,
  WebhookBackend,
  type WebhookBackendOptions,
} from './webhook-backend.js';

/** A {@link WebhookBackend} for the tree of `EventTrackingModule`. */
export interface WebhookBackendDefinition<Delivery = object> {
  useFactory: (...dependencies: unknown[]) => Promise<WebhookBackend>;
  inject: (string | symbol | (new (...args: never[]) => unknown))[];
  delivery: Delivery & Omit<DeliveryOptions, 'deadLetter'>;
}

const DELIVERY = { batchSize: 1, concurrency: 8 } as const;

/**
 * Sends each event to an endpoint as a signed message; several endpoints are several backends.
 *
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export function webhookBackend<Delivery extends object = object>(
  options: (WebhookBackendOptions | BackendOptionsFactory<WebhookBackendOptions>) &
    HttpDeliveryOptions<Delivery>,
): WebhookBackendDefinition<Delivery> {
  const { delivery, inject, create, fixed } = readDefinition<WebhookBackendOptions, Delivery>(
    options,
    'webhookBackend',
  );
  checkOptions<DeliveryOptions>(delivery, 'webhookBackend: delivery', DELIVERY_KEYS);
  if (fixed !== undefined) checkWebhookOptions(fixed, 'webhookBackend');
  return {
    useFactory: async (...dependencies) => new WebhookBackend(await create(...dependencies)),
    inject: inject as WebhookBackendDefinition['inject'],
    delivery: { ...DELIVERY, ...delivery },
  };
}
