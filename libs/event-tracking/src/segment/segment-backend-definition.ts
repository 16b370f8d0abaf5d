import { checkOptions } from '../core/diagnostics/check-options.js';
import { DELIVERY_KEYS, type DeliveryOptions } from '../delivery/delivery-options.js';
import {
  checkSegmentOptions,
  SegmentBackend,
  type SegmentBackendOptions,
} from './segment-backend.js';

/** How {@link segmentBackend} delivers events. */
export interface SegmentDeliveryOptions<Delivery = object> {
  /**
   * How events reach Segment.
   *
   * @default batches of 100, four at once
   */
  delivery?: Delivery;
}

/** Options that a factory creates from injected dependencies. */
export interface SegmentOptionsFactory {
  // Types cannot follow the arguments that `inject` lists.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...dependencies: any[]) => SegmentBackendOptions | Promise<SegmentBackendOptions>;
  /** The tokens of the arguments of `useFactory`. */
  inject?: Token[];
}

/** A token of Nest's injector. */
type Token = string | symbol | (abstract new (...args: never[]) => unknown);

/** A {@link SegmentBackend} for the tree of `EventTrackingModule`. */
export interface SegmentBackendDefinition<Delivery = object> {
  useFactory: (...dependencies: unknown[]) => Promise<SegmentBackend>;
  inject: (string | symbol | (new (...args: never[]) => unknown))[];
  delivery: Delivery & Omit<DeliveryOptions, 'deadLetter'>;
}

const DELIVERY = { batchSize: 100, concurrency: 4 } as const;

/**
 * Sends events to Segment; several accounts are several backends.
 *
 * @example
 * ```ts
 * EventTrackingModule.forRoot({
 *   imports: [ConfigModule],
 *   backends: {
 *     segment: segmentBackend({
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({ writeKey: config.getOrThrow('SEGMENT_KEY') }),
 *     }),
 *   },
 * })
 * ```
 */
export function segmentBackend<Delivery extends object = object>(
  options: (SegmentBackendOptions | SegmentOptionsFactory) & SegmentDeliveryOptions<Delivery>,
): SegmentBackendDefinition<Delivery> {
  checkSegmentOptions(options, 'segmentBackend');
  const { delivery = {}, ...rest } = options;
  checkOptions<DeliveryOptions>(delivery, 'segmentBackend: delivery', DELIVERY_KEYS);
  const { useFactory, inject = [] } = 'useFactory' in rest ? rest : { useFactory: () => rest };
  return {
    useFactory: async (...dependencies) => new SegmentBackend(await useFactory(...dependencies)),
    inject: inject as SegmentBackendDefinition['inject'],
    delivery: { ...DELIVERY, ...(delivery as Delivery) },
  };
}
