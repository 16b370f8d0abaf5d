import type { EventStats } from '../core/tree/event-stats.js';
import type { Deadline } from '../core/tree/backend.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type {
  EventQueue,
  QueuedEvent,
  EventQueueProducer,
  EventQueueConsumer,
  UnacknowledgedEvent,
} from '../core/tree/event-queue.js';
import { RoutingBackend } from '../core/tree/routing-backend.js';
import { copyOf } from '../core/event/snapshot.js';
import { NODE } from '../core/tree/tree-node.js';

/** The tracker and the path of a node. */
export type NodePosition = ReturnType<EventQueueConsumer['position']>;

/** Failures are part of the contract, so they are not logged. */
const SILENT = { warn() {}, error() {} };

/** A tree node as a queue sees it: sends events to the producer and consumes the delivered events. */
export class QueueNode {
  readonly producer: EventQueueProducer;
  /** The events that the queue has delivered, in order. */
  readonly received: QueuedEvent[] = [];
  /** The metadata records that the queue has delivered. */
  readonly registered: MetadataRecord[] = [];
  /** Whether all destinations reject records. */
  rejectsRecords = false;
  /** The number of events that were consumed. */
  consumed = 0;
  /** Consumes events; replace it to make consuming fail or wait. */
  consume: EventQueueConsumer['consume'] = async () => [];
  readonly #router: RoutingBackend;

  constructor(
    queue: EventQueue,
    readonly position: NodePosition,
  ) {
    this.producer = queue.open({
      position: () => position,
      consume: (events, options = {}) => this.#receive(events, options),
      register: (record) => this.#register(record),
    });
    this.#router = new RoutingBackend({ backends: { queue: this.producer } });
    this.#router[NODE].attach({
      ...position,
      diagnostics: new Diagnostics(SILENT),
      isAttached: false,
    });
  }

  start({ worker = true } = {}): void {
    this.producer.start?.({ worker });
  }

  /** Sends copies of events at the same time, as a tree does. */
  send(events: readonly TrackingEvent[]): void {
    for (const event of events) this.#router.send(event);
  }

  /** Sends a metadata record; the tree registers it directly if the producer has no `register`. */
  async register(record: MetadataRecord): Promise<void> {
    if (this.producer.register === undefined) this.registered.push(record);
    else await this.producer.register(record);
  }

  /** Flushes the producer, or awaits its sends if it has no `flush`. */
  async flush(options: Deadline): Promise<void> {
    await (this.producer.flush === undefined
      ? this.#router.flush(options)
      : this.producer.flush(options));
  }

  async close(options: Deadline): Promise<void> {
    await (this.producer.close === undefined ? this.flush(options) : this.producer.close(options));
  }

  /** Returns the stats of the producer. */
  stats(): EventStats {
    const { path } = this.position;
    return this.#router.stats()[path === '' ? 'queue' : `${path}.queue`]!;
  }

  async #register(record: MetadataRecord): Promise<void> {
    this.registered.push(record);
    if (this.rejectsRecords) throw new Error('All destinations reject records.');
  }

  async #receive(
    events: readonly QueuedEvent[],
    options: Parameters<EventQueueConsumer['consume']>[1],
  ): Promise<readonly UnacknowledgedEvent[]> {
    this.received.push(...copyOf(events)); // the consumer owns its events and may change them
    const undelivered = await this.consume(events, options);
    this.consumed += events.length;
    return undelivered;
  }
}
