import { isPlainObject } from '../core/event/event.js';
import { checkBullMqOptions, type BullMqEventQueueOptions } from './bullmq-event-queue-options.js';
import { BullMqEventQueue } from './bullmq-event-queue.js';

/** Options created by a factory from injected providers. */
export interface BullMqOptionsFactory {
  // The arguments match `inject`, which types cannot express.
  useFactory: (
    // oxlint-disable-next-line typescript/no-explicit-any
    ...dependencies: any[]
  ) => BullMqEventQueueOptions | Promise<BullMqEventQueueOptions>;
  /** The tokens of the arguments of `useFactory`. */
  inject?: Token[];
}

/** An injection token of Nest. */
type Token = string | symbol | (new (...args: never[]) => unknown);

/** A {@link BullMqEventQueue} for a node of the tree of `EventTrackingModule`. */
export interface BullMqQueueDefinition {
  useFactory: (...dependencies: unknown[]) => Promise<BullMqEventQueue>;
  inject: Token[];
}

/**
 * A queue in Redis for a node of the tree.
 *
 * @example
 * ```ts
 * EventTrackingModule.forRoot({
 *   worker: process.env['ROLE'] === 'worker',
 *   backends: {
 *     warehouse: {
 *       queue: bullMqQueue({ connection: { host: 'localhost', port: 6379 } }),
 *       backends: { mongo: mongoBackend() },
 *     },
 *   },
 * })
 * ```
 */
export function bullMqQueue(
  options: BullMqEventQueueOptions | BullMqOptionsFactory,
): BullMqQueueDefinition {
  const { useFactory, inject = [] } = isFactory(options)
    ? options
    : { useFactory: checkedSource(options) };
  return {
    useFactory: async (...dependencies) => new BullMqEventQueue(await useFactory(...dependencies)),
    inject,
  };
}

function isFactory(options: unknown): options is BullMqOptionsFactory {
  return isPlainObject(options) && 'useFactory' in options;
}

function checkedSource(options: BullMqEventQueueOptions): BullMqOptionsFactory['useFactory'] {
  checkBullMqOptions(options, 'bullMqQueue');
  return () => options;
}
