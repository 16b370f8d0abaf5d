import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { encode, isKeyOf, keyOf, type QueuedRecord } from './queued-record.js';
import type { EventStore } from './store/event-store.js';
import type { RecordContent } from './store/record.js';
import { StoreConsumer } from './store-consumer.js';
import { StoreLanes, type ConsumerLimits } from './store-lanes.js';

export interface QueueOfNode extends ConsumerLimits {
  /** Returns the store of this process, and opens it where necessary. */
  ownStore(): Promise<EventStore>;
  /** Writes records to the disk synchronously; throws if it cannot. */
  saveNow(contents: readonly RecordContent[]): void;
  readonly maxBytes: number;
}

/** One node of a queue: writes its events to the store of this process, and consumes them from any store. */
export class DiskNode implements Backend {
  #lanes: StoreLanes | undefined;
  readonly #recovering = new Set<StoreConsumer>();
  #isStarted = false;
  #isStopped = false;

  constructor(
    readonly consumer: EventQueueConsumer,
    private readonly queue: QueueOfNode,
  ) {}

  /** The key of its records in a store. */
  get key(): string {
    return keyOf(this.consumer.position());
  }

  owns(key: string): boolean {
    return isKeyOf(key, this.consumer.position());
  }

  /** Whether it consumes: from the moment its tree is complete until it is closed. */
  get isConsuming(): boolean {
    return this.#isStarted && !this.#isStopped;
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const { path } = this.consumer.position();
    await this.#append(events.map((event) => ({ path, event })));
  }

  /** Writes events to the disk while the process exits; returns whether it could. */
  saveNow(events: readonly TrackingEvent[]): boolean {
    const node = this.consumer.position();
    const key = keyOf(node);
    const { path } = node;
    try {
      this.queue.saveNow(events.map((event) => ({ key, payload: encode({ path, event }, node) })));
      return true;
    } catch (error) {
      this.queue.diagnostics.error(
        'the disk',
        `Queue on disk: events of the node '${path}' could not be saved while the process exits: ${describeError(error)}.`,
      );
      return false;
    }
  }

  async register(record: MetadataRecord): Promise<void> {
    await this.#append([record]);
  }

  /** Begins to consume. */
  start(): void {
    this.#isStarted = true;
    this.wake();
  }

  /** Looks for events in the store of this process. */
  wake(): void {
    this.#lanesOfOwnStore()
      .then((lanes) => lanes?.wake())
      .catch(() => {}); // the next write reports what is wrong, and tries again
  }

  /** Resolves when the events that are in the store of this process now have ended. */
  async drain(): Promise<void> {
    await this.#lanesOfOwnStore()
      .then((lanes) => lanes?.flush())
      .catch(() => {}); // the next write reports what is wrong with the store
    await this.#lanes?.settled();
  }

  /** Consumes the events that another process has left; rejects when its store fails. */
  async consumeAll(store: EventStore): Promise<void> {
    const keys = store.waitingKeys.filter((key) => this.owns(key));
    await Promise.all(keys.map((key) => this.#consumeAllOf(store, key)));
  }

  /** Consumes nothing more, and resolves when deliveries under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const consumers = [...this.#recovering];
    await Promise.all([this.#lanes?.stop(), ...consumers.map((consumer) => consumer.stop())]);
  }

  async #consumeAllOf(store: EventStore, key: string): Promise<void> {
    const { concurrency, diagnostics } = this.queue;
    const consumer = new StoreConsumer(store, this.consumer, {
      key,
      concurrency,
      diagnostics,
      holdsUpOthers: true, // other stores wait for their turn
      defer: async (events) => {
        const lanes = await this.#lanesOfOwnStore();
        if (lanes === undefined) throw new Error('the queue is being closed');
        await lanes.defer(events);
      },
    });
    this.#recovering.add(consumer);
    try {
      await consumer.flush();
    } finally {
      await consumer.stop();
      this.#recovering.delete(consumer);
    }
  }

  async #lanesOfOwnStore(): Promise<StoreLanes | undefined> {
    if (!this.isConsuming) return undefined;
    const store = await this.queue.ownStore();
    if (!this.isConsuming) return undefined;
    if (this.#lanes?.store !== store) {
      void this.#lanes?.stop(); // its directory was deleted
      this.#lanes = new StoreLanes(store, this.consumer, this.queue);
      this.#lanes.wake();
    }
    return this.#lanes;
  }

  async #append(records: readonly QueuedRecord[]): Promise<void> {
    try {
      const store = await this.queue.ownStore();
      const { maxBytes } = this.queue;
      if (store.liveBytes > maxBytes) {
        throw new Error(`the queue on disk in ${store.location} is full (maxBytes: ${maxBytes})`);
      }
      const node = this.consumer.position();
      const key = keyOf(node);
      await store.append(records.map((record) => ({ key, payload: encode(record, node) })));
    } catch (error) {
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
    this.wake();
  }
}
