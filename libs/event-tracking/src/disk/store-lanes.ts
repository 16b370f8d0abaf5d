import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { EventQueueConsumer, UnacknowledgedEvent } from '../core/tree/event-queue.js';
import { encode, isKeyOf, keyOf, laneKeyOf } from './queued-record.js';
import { StoreConsumer } from './store-consumer.js';
import type { EventStore } from './store/event-store.js';

/** How the events of one node are consumed. */
export interface ConsumerLimits {
  /** How many events of each lane may be under way. */
  readonly concurrency: number;
  readonly diagnostics: Diagnostics;
}

/**
 * Consumes the events of one node from the store of this process, in lanes that do not hold up one another: one for new
 * events, which go to all destinations, and one for each destination that has missed events.
 */
export class StoreLanes {
  readonly #main: StoreConsumer;
  /** By key. */
  readonly #lanes = new Map<string, StoreConsumer>();
  #isStopped = false;

  constructor(
    readonly store: EventStore,
    private readonly node: EventQueueConsumer,
    private readonly limits: ConsumerLimits,
  ) {
    const key = keyOf(node.position());
    this.#main = new StoreConsumer(store, node, {
      ...limits,
      key,
      defer: (events) => this.defer(events),
    });
    for (const waiting of store.waitingKeys) {
      if (waiting !== key && isKeyOf(waiting, node.position())) this.#addLane(waiting);
    }
  }

  /** Reads on, as far as concurrency allows. */
  wake(): void {
    for (const consumer of this.#all) consumer.wake();
  }

  /** Stores events for the destinations that have missed them. */
  async defer(events: readonly UnacknowledgedEvent[]): Promise<void> {
    const node = this.node.position();
    const contents = events.map((event) => ({
      key: laneKeyOf(node, event.path),
      payload: encode(event, node),
    }));
    await this.store.append(contents);
    if (this.#isStopped) return;
    for (const key of new Set(contents.map((content) => content.key))) {
      (this.#lanes.get(key) ?? this.#addLane(key)).wake();
    }
  }

  /** Resolves when the events that are in the store now have ended, or consumption has. */
  async flush(): Promise<void> {
    await this.#main.flush(); // it may defer events
    await Promise.all([...this.#lanes.values()].map((lane) => lane.flush()));
  }

  /** Resolves when deliveries under way have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#all.map((consumer) => consumer.settled()));
  }

  /** Reads nothing more, and resolves when deliveries under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#all.map((consumer) => consumer.stop()));
  }

  get #all(): StoreConsumer[] {
    return [this.#main, ...this.#lanes.values()];
  }

  #addLane(key: string): StoreConsumer {
    const lane = new StoreConsumer(this.store, this.node, { ...this.limits, key });
    this.#lanes.set(key, lane);
    return lane;
  }
}
