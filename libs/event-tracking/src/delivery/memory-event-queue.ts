import type { Backend } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import type { EventQueue, EventQueueConsumer } from '../core/tree/event-queue.js';
import { DeliveringBackend } from './delivering-backend.js';
import { LONGEST_DURATION_MS, type DeliveryOptions } from './delivery-options.js';

/** How much a {@link MemoryEventQueue} holds, and how fast it is emptied. */
export interface MemoryEventQueueOptions extends Pick<
  DeliveryOptions,
  'capacity' | 'maxBytes' | 'overflow'
> {
  /**
   * How many events are processed at the same time, up to the capacity.
   *
   * @default 1,000
   */
  concurrency?: number;
}

const DEFAULT_CAPACITY = 10_000;
const DEFAULT_CONCURRENCY = 1_000;
const BATCHES = 10;

/**
 * A queue in memory: it decouples the code that emits from processors and destinations of the same process.
 *
 * @remarks Bounded; events that do not fit are dropped as `overflow`. Its events are lost when the process ends.
 */
export class MemoryEventQueue implements EventQueue {
  readonly #delivery: DeliveryOptions & { readonly concurrency: number };

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(options: MemoryEventQueueOptions = {}) {
    checkOptions(options, 'MemoryEventQueue', {
      capacity: true,
      maxBytes: true,
      overflow: true,
      concurrency: true,
    });
    const { concurrency = DEFAULT_CONCURRENCY, capacity = DEFAULT_CAPACITY, ...bounds } = options;
    const atOnce = Math.min(concurrency, capacity);
    this.#delivery = {
      ...bounds,
      capacity,
      batchSize: Math.max(1, Math.floor(atOnce / BATCHES)),
      concurrency: Math.min(atOnce, BATCHES),
      flushInterval: 0,
      // Children retry and time out themselves.
      timeout: LONGEST_DURATION_MS,
      retry: false,
    };
    new DeliveringBackend({ send() {} }, this.#delivery); // validates the options now, not at the first event
  }

  open(consumer: EventQueueConsumer): Backend {
    let underWay = 0;
    const isFull = (): boolean => underWay >= this.#delivery.concurrency;
    return new DeliveringBackend(
      {
        send() {},
        async sendBatch(events) {
          const { path } = consumer.position();
          underWay++;
          await consumer.consume(
            events.map((event) => ({ path, event })),
            { isFull },
          );
          underWay--;
        },
        register: (record) => consumer.register(record).catch(() => {}), // tried again by the children
      },
      this.#delivery,
    );
  }
}
