import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { isBackend, type Backend, type Deadline } from '../core/tree/backend.js';
import type { EventStats } from '../core/tree/event-stats.js';
import { NODE } from '../core/tree/tree-node.js';
import { DeliveryNode } from './delivery-node.js';
import type { DeliveryOptions } from './delivery-options.js';

/**
 * Delivers events to another backend asynchronously: in batches, with retries, within bounds of memory and time.
 *
 * @remarks
 * - `send` queues a copy. It costs the caller next to nothing and never throws. Events that do not fit are dropped as `overflow`.
 * - Every event ends as delivered, filtered, dropped (by reason) or dead. Until then it is pending.
 * - Outages, timeouts and throttling are retried while there is room. Only a single event is given up, never a whole batch: a
 *   batch that fails for another reason is halved until the event to blame is found.
 * - An event that was given up is dead once the dead-letter destination has acknowledged it, and pending until then.
 * - Delivery is at least once: after a timeout the events are sent again. Destinations recognise them by their ids.
 * - Its timers keep no process alive. Call `close` at the end, as the module does.
 *
 * @example
 * ```ts
 * const tracker = new Tracker({
 *   backends: { crm: new DeliveringBackend(new CrmBackend(), { batchSize: 50, concurrency: 2 }) },
 * });
 * ```
 */
export class DeliveringBackend implements Backend {
  /** The backend that receives the events. */
  readonly destination: Backend;
  /** Rejects if the destination cannot be reached; present if the destination can tell. */
  readonly check?: (deadline: Deadline) => Promise<void>;
  /**
   * Registers a record before further events are delivered, and retries until the destination has accepted it; rejects if
   * the first attempt fails. Present if the destination stores records.
   */
  readonly register?: (record: MetadataRecord) => Promise<void>;
  /** @internal */
  readonly [NODE]: DeliveryNode;

  /** @throws {@link ImproperlyConfigured} for an invalid destination or invalid options */
  constructor(destination: Backend, options: DeliveryOptions = {}) {
    if (!isBackend(destination)) {
      throw new ImproperlyConfigured(
        `DeliveringBackend: destination must be a backend with a method send(event); received ` +
          `${describeValue(destination)}. Pass an instance.`,
      );
    }
    const node = new DeliveryNode(destination, options);
    this.destination = destination;
    this[NODE] = node;
    if (destination.check !== undefined) this.check = (deadline) => destination.check!(deadline);
    if (destination.register !== undefined) this.register = (record) => node.register(record);
  }

  /** Queues a copy of the event. */
  send(event: TrackingEvent): void {
    this[NODE].route(copyOf(event));
  }

  /** Returns the counts of the events sent here, and of their dead letters, by path. */
  stats(): Record<string, EventStats> {
    return this[NODE].stats();
  }

  /** Resolves when all queued events have ended, or the signal aborts. Ends all pauses between attempts. */
  async flush(deadline: Deadline = {}): Promise<void> {
    await this[NODE].flush(deadline);
  }

  /** Delivers the queued events, drops as `undelivered` those left when the signal aborts, and closes the destination. */
  async close(deadline: Deadline = {}): Promise<void> {
    await this[NODE].close(deadline);
  }

  /** Does the same, but leaves the destination open. */
  async stop(deadline: Deadline = {}): Promise<void> {
    await this[NODE].stop(deadline);
  }
}
