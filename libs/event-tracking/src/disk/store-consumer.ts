import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { QueuedEvent, EventQueueConsumer } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { RetryDelays } from '../delivery/retry-delays.js';
import { decode, encode, isEvent, isMetadata, keyOf, type QueuedRecord } from './queued-record.js';
import type { EventStore } from './store/event-store.js';
import type { StoredRecord } from './store/record.js';
import type { StoreReader } from './store/store-reader.js';

const CHUNK = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;

interface Item {
  readonly stored: StoredRecord;
  readonly record: QueuedRecord;
}

/** Passes the events of one node from a store to the node's children, and acknowledges those that have ended. */
export class StoreConsumer {
  readonly #reader: StoreReader;
  readonly #key: string;
  /** All records up to this sequence number have been passed on. */
  #position = 0;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  readonly #underWay = new Set<Promise<void>>();
  readonly #delays = new RetryDelays();
  #isStopped = false;

  constructor(
    readonly store: EventStore,
    private readonly consumer: EventQueueConsumer,
    private readonly concurrency: number,
    private readonly diagnostics: Diagnostics,
  ) {
    this.#key = keyOf(consumer.position());
    this.#reader = store.reader(this.#key);
  }

  /** Reads on, as far as concurrency allows. */
  wake(): void {
    this.#readAgain = true;
    if (this.#reading !== undefined) return;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
      if (this.#readAgain && this.#hasRoom) this.wake();
    });
  }

  /** Resolves when the events that are in the store now have ended, or consumption has. */
  async flush(): Promise<void> {
    const last = this.store.lastSequenceOf(this.#key);
    if (last > 0) {
      this.wake();
      while (this.#position < last && this.#isBusy) {
        await (this.#reading ?? Promise.race(this.#underWay));
      }
    }
    await this.settled();
  }

  /** Resolves when deliveries under way have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Reads nothing more, and resolves when deliveries under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#delays.cancelWaits();
    await this.#reading;
    await this.settled();
  }

  get #isBusy(): boolean {
    return this.#reading !== undefined || this.#underWay.size > 0;
  }

  get #hasRoom(): boolean {
    return !this.#isStopped && this.#underWay.size * CHUNK < this.concurrency;
  }

  async #read(): Promise<void> {
    while (this.#readAgain && this.#hasRoom) {
      this.#readAgain = false;
      const limit = Math.min(CHUNK, this.concurrency);
      const stored = await this.#untilItSucceeds(() => this.#reader.read(limit));
      if (this.#isStopped || stored === undefined) continue;
      this.#position = this.#reader.position;
      if (stored.length === 0) continue;
      this.#readAgain = true;
      const consuming = this.#consume(stored);
      this.#underWay.add(consuming);
      void consuming.then(() => {
        this.#underWay.delete(consuming);
        this.wake();
      });
    }
  }

  async #consume(stored: readonly StoredRecord[]): Promise<void> {
    const items = this.#decoded(stored);
    if (items.length === 0) return;
    const undelivered = await this.#handOver(items);
    if (undelivered === undefined) return;
    const kept = new Map<QueuedRecord, Item>(); // they wait as they are: rewriting them would gain nothing
    for (const record of undelivered) {
      const item = items.find((each) => isSame(each.record, record));
      const others = undelivered.filter((other) => areOfOneEvent(other, record));
      if (item !== undefined && others.length === 1) kept.set(record, item);
    }
    const keptItems = new Set(kept.values());
    const ended = items.filter((item) => !keptItems.has(item)).map((item) => item.stored);
    const changed = undelivered.filter((record) => !kept.has(record));
    if (await this.#giveBack(changed, items)) {
      this.store.acknowledge(ended);
    }
  }

  /** Replaces events that some of their destinations have missed, for the next consumer; resolves to whether it could. */
  async #giveBack(records: readonly QueuedRecord[], items: readonly Item[]): Promise<boolean> {
    if (records.length === 0) return true;
    const contents = records.map((record) => {
      const stored = items.find((item) => areOfOneEvent(item.record, record))?.stored;
      return {
        key: this.#key,
        payload: encode(record, this.consumer.position()),
        position: stored?.position ?? stored?.sequence ?? 0,
      };
    });
    const sequences = await this.#untilItSucceeds(() => this.store.append(contents));
    return sequences !== undefined;
  }

  /** Resolves to the records that were not delivered; to nothing where the consumer failed. */
  async #handOver(items: readonly Item[]): Promise<readonly QueuedRecord[] | undefined> {
    const records = items.map(({ record }) => record);
    try {
      const refused = await this.#register(records.filter(isMetadata));
      const events = records.filter(isEvent);
      return [...refused, ...(await this.consumer.consume(events, { keeps: true }))];
    } catch (error) {
      this.diagnostics.error(
        'the consumer',
        `Queue on disk: ${items.length} events of the node '${this.consumer.position().path}' in ${this.store.location} ` +
          `could not be processed: ${describeError(error)}. They stay in the queue until the next start.`,
      );
      return undefined;
    }
  }

  /** Resolves to the records that a destination has refused; the next process offers them again. */
  async #register(records: readonly MetadataRecord[]): Promise<MetadataRecord[]> {
    const refused: MetadataRecord[] = [];
    for (const record of records) {
      await this.consumer.register(record).catch(() => refused.push(record));
    }
    return refused;
  }

  /** Leaves records alone that are whole and cannot be understood: a newer release may have written them. */
  #decoded(stored: readonly StoredRecord[]): Item[] {
    return stored.flatMap((each) => {
      try {
        return [{ stored: each, record: decode(each.payload, this.consumer.position()) }];
      } catch (error) {
        this.diagnostics.error(
          'unknown records',
          `Queue on disk: ${this.store.location} has a record of the node '${this.consumer.position().path}' that this release ` +
            `cannot read (${each.sequence}): ${describeError(error)}. It is left alone. It begins: ${each.payload.slice(0, 200)}`,
        );
        return [];
      }
    });
  }

  /** Repeats work on the store until it succeeds or consumption is stopped. */
  async #untilItSucceeds<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.store.isGone) return undefined;
        this.diagnostics.error(
          'the disk',
          `Queue on disk: ${this.store.location} failed: ${describeError(error)}. ` +
            `Events that have not ended are still in it.`,
        );
        if (this.#isStopped) return undefined;
        await this.#delays.wait(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }
}

function isSame(one: QueuedRecord, other: QueuedRecord): boolean {
  if (!isEvent(one) || !isEvent(other)) return one === other;
  return one.event === other.event && one.path === other.path;
}

function areOfOneEvent(one: QueuedRecord, other: QueuedRecord): boolean {
  if (!isEvent(one) || !isEvent(other)) return one === other;
  return idOf(one) === idOf(other);
}

function idOf({ event }: QueuedEvent): string {
  return event.id;
}
