import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type {
  EventQueueConsumer,
  QueuedEvent,
  UnacknowledgedEvent,
} from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { RetryDelays } from '../delivery/retry-delays.js';
import { decode, encode, isEvent, isMetadata, type QueuedRecord } from './queued-record.js';
import type { EventStore } from './store/event-store.js';
import type { StoredRecord } from './store/record.js';
import type { StoreReader } from './store/store-reader.js';

const CHUNK = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;

interface Item {
  readonly stored: StoredRecord;
  readonly record: QueuedRecord;
}

/** How a consumer works. */
export interface StoreConsumerOptions {
  /** Names the records that it consumes. */
  readonly key: string;
  /** How many events may be under way. */
  readonly concurrency: number;
  readonly diagnostics: Diagnostics;
  /**
   * Keeps events whose destination holds up others, for that destination.
   *
   * @default all events wait for all destinations
   */
  defer?(events: readonly UnacknowledgedEvent[]): Promise<void>;
  /** Whether other events wait until some of these have ended. */
  readonly holdsUpOthers?: boolean;
}

/** Passes the events of one node from a store to the node's children, and acknowledges those that have ended. */
export class StoreConsumer {
  readonly #reader: StoreReader;
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
    private readonly options: StoreConsumerOptions,
  ) {
    this.#reader = store.reader(options.key);
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
    const last = this.store.lastSequenceOf(this.options.key);
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
    return !this.#isStopped && this.#underWay.size * CHUNK < this.options.concurrency;
  }

  async #read(): Promise<void> {
    while (this.#readAgain && this.#hasRoom) {
      this.#readAgain = false;
      const limit = Math.min(CHUNK, this.options.concurrency);
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
    const unacknowledged = await this.#handOver(items);
    if (unacknowledged === undefined) return;
    const [deferred, undelivered] = partition(unacknowledged, isDeferred);
    const kept = new Map<QueuedRecord, Item>(); // they wait as they are: rewriting them would gain nothing
    for (const record of undelivered) {
      const item = items.find((each) => isSame(each.record, record));
      const others = unacknowledged.filter((other) => areOfOneEvent(other, record));
      if (item !== undefined && others.length === 1) kept.set(record, item);
    }
    const keptItems = new Set(kept.values());
    const ended = items.filter((item) => !keptItems.has(item)).map((item) => item.stored);
    const changed = undelivered.filter((record) => !kept.has(record));
    if ((await this.#defer(deferred)) && (await this.#giveBack(changed, items))) {
      this.store.acknowledge(ended);
    }
  }

  async #defer(events: readonly UnacknowledgedEvent[]): Promise<boolean> {
    if (events.length === 0) return true;
    const deferring = async (): Promise<true> => {
      await this.options.defer?.(events);
      return true;
    };
    return (await this.#untilItSucceeds(deferring)) ?? false;
  }

  /** Replaces events that some of their destinations have missed, for the next consumer; resolves to whether it could. */
  async #giveBack(records: readonly QueuedRecord[], items: readonly Item[]): Promise<boolean> {
    if (records.length === 0) return true;
    const contents = records.map((record) => {
      const stored = items.find((item) => areOfOneEvent(item.record, record))?.stored;
      return {
        key: this.options.key,
        payload: encode(record, this.consumer.position()),
        position: stored?.position ?? stored?.sequence ?? 0,
      };
    });
    const sequences = await this.#untilItSucceeds(() => this.store.append(contents));
    return sequences !== undefined;
  }

  /** Resolves to the records whose delivery has not ended; to nothing where the consumer failed. */
  async #handOver(
    items: readonly Item[],
  ): Promise<readonly (MetadataRecord | UnacknowledgedEvent)[] | undefined> {
    const records = items.map(({ record }) => record);
    try {
      const refused = await this.#register(records.filter(isMetadata));
      const events = records.filter(isEvent);
      const isFull = (): boolean => this.options.holdsUpOthers ?? !this.#hasRoom;
      const options = { keeps: true, ...(this.options.defer !== undefined && { isFull }) };
      return [...refused, ...(await this.consumer.consume(events, options))];
    } catch (error) {
      this.options.diagnostics.error(
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
        this.options.diagnostics.error(
          'unknown records',
          `Queue on disk: ${this.store.location} has a record of the node '${this.consumer.position().path}' that this release ` +
            `cannot read (${each.sequence}): ${describeError(error)}. It is left alone. It begins: ${each.payload.slice(0, 200)}`,
        );
        return [];
      }
    });
  }

  async #untilItSucceeds<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.store.isGone) return undefined;
        this.options.diagnostics.error(
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

function isDeferred(record: MetadataRecord | UnacknowledgedEvent): record is UnacknowledgedEvent {
  return isEvent(record) && record.isDeferred === true;
}

function partition<T, U extends T>(
  values: readonly T[],
  condition: (value: T) => value is U,
): [U[], Exclude<T, U>[]] {
  const is: U[] = [];
  const isNot: Exclude<T, U>[] = [];
  for (const value of values) {
    if (condition(value)) is.push(value);
    else isNot.push(value as Exclude<T, U>);
  }
  return [is, isNot];
}
