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
} from '../core/tree/event-queue.js';
import { RoutingBackend } from '../core/tree/routing-backend.js';
import { copyOf } from '../core/event/snapshot.js';
import { ADOPT } from '../core/tree/tree-node.js';

/** Where a node stands. */
export type NodePlace = ReturnType<EventQueueConsumer['position']>;

/** What is expected to go wrong in a contract is of no interest to anybody. */
const SILENT = { warn() {}, error() {} };

/** A node as a queue sees it: sends to its entrance, and consumes what comes out. */
export class QueueNode {
  readonly entrance: EventQueueProducer;
  /** What the queue has handed over, in the order in which it did. */
  readonly taken: QueuedEvent[] = [];
  /** The metadata records that the queue has handed over. */
  readonly registered: MetadataRecord[] = [];
  /** Whether no destination takes records. */
  refusesRecords = false;
  /** How many of the events have ended. */
  ended = 0;
  /** What becomes of them. */
  consume: EventQueueConsumer['consume'] = async () => [];
  readonly #intake: RoutingBackend;

  constructor(
    queue: EventQueue,
    readonly place: NodePlace,
  ) {
    this.entrance = queue.open({
      position: () => place,
      consume: (events, options = {}) => this.#take(events, options),
      register: (record) => this.#register(record),
    });
    this.#intake = new RoutingBackend({ backends: { queue: this.entrance } });
    this.#intake[ADOPT]({ ...place, diagnostics: new Diagnostics(SILENT), stands: false });
  }

  start({ worker = true } = {}): void {
    this.entrance.start?.({ worker });
  }

  /** Sends copies of events as a tree does, none waiting for another. */
  send(events: readonly TrackingEvent[]): void {
    for (const event of events) this.#intake.send(event);
  }

  /** Sends a metadata record the same way; what has no `register` leaves that to the tree. */
  async register(record: MetadataRecord): Promise<void> {
    if (this.entrance.register === undefined) this.registered.push(record);
    else await this.entrance.register(record);
  }

  /** What has no flush is waited for by its sends. */
  async flush(options: Deadline): Promise<void> {
    await (this.entrance.flush === undefined
      ? this.#intake.flush(options)
      : this.entrance.flush(options));
  }

  async close(options: Deadline): Promise<void> {
    await (this.entrance.close === undefined ? this.flush(options) : this.entrance.close(options));
  }

  /** What became of the events that were sent. */
  stats(): EventStats {
    const { path } = this.place;
    return this.#intake.stats()[path === '' ? 'queue' : `${path}.queue`]!;
  }

  async #register(record: MetadataRecord): Promise<void> {
    this.registered.push(record);
    if (this.refusesRecords) throw new Error('No destination takes records.');
  }

  async #take(
    events: readonly QueuedEvent[],
    options: Parameters<EventQueueConsumer['consume']>[1],
  ): Promise<readonly QueuedEvent[]> {
    this.taken.push(...copyOf(events)); // a consumer owns what it is given
    const undelivered = await this.consume(events, options);
    this.ended += events.length;
    return undelivered;
  }
}
