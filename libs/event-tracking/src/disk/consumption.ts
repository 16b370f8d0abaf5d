import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import { RetryDelays } from '../delivery/retry-delays.js';
import {
  decode,
  encode,
  endOf,
  isMetadataRecord,
  isQueuedEvent,
  keyWithin,
  prefixOf,
  type Written,
} from './entry.js';
import type { Entry, EventStore } from './event-store.js';

const CHUNK = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Takes what a store has for a node to the node's children, in its order, and out of the store when all have ended. */
export class Consumption {
  /** Where in the store's order the entries end that were taken. */
  #taken: string;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  readonly #underWay = new Set<Promise<void>>();
  readonly #delays = new RetryDelays();
  #isStopped = false;

  constructor(
    private readonly store: EventStore,
    private readonly line: EventQueueConsumer,
    private readonly concurrency: number,
    private readonly diagnostics: Diagnostics,
  ) {
    this.#taken = prefixOf(line.position());
  }

  /** Sees to it that what is in the store is taken. */
  hurry(): void {
    this.#readAgain = true;
    if (this.#reading !== undefined) return;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
      if (this.#readAgain && this.#hasRoom) this.hurry();
    });
  }

  /** Resolves when what is in the store now has ended, or consumption has; rejects when the store fails. */
  async drain(): Promise<void> {
    const last = await this.store.lastKey(this.line.position());
    if (last !== undefined) {
      this.hurry();
      while (this.#taken < last && this.#isBusy) {
        await (this.#reading ?? Promise.race(this.#underWay));
      }
    }
    await this.rest();
  }

  /** Resolves when what is under way has ended. */
  async rest(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Takes nothing more, and resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#delays.cancelWaits();
    await this.#reading;
    await this.rest();
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
      const entries = await this.#withoutFail(() =>
        this.store.read(this.line.position(), this.#taken, limit),
      );
      if (this.#isStopped || entries === undefined || entries.length === 0) continue;
      this.#taken = endOf(entries.at(-1)![0]); // with what an entry becomes that is not taken
      this.#readAgain = true;
      const taking = this.#take(entries);
      this.#underWay.add(taking);
      void taking.then(() => {
        this.#underWay.delete(taking);
        this.hurry();
      });
    }
  }

  async #take(entries: readonly Entry[]): Promise<void> {
    const written = this.#decoded(entries);
    const undelivered = await this.#handOver(written);
    if (undelivered === undefined) return;
    // What nobody takes is offered by one process after the other: it is not to be written each time.
    if (written.length === entries.length && areSame(undelivered, written)) return;
    const [first] = entries[0]!;
    const rest = undelivered.map((each, index): Entry => [
      keyWithin(first, index),
      encode(each, this.line.position()),
    ]);
    await this.#withoutFail(() => this.store.replace(entries, rest));
  }

  /** Resolves to what was not taken or closing left undelivered, and to nothing where a consumer failed. */
  async #handOver(written: readonly Written[]): Promise<readonly Written[] | undefined> {
    try {
      const refused = await this.#register(written.filter(isMetadataRecord));
      const events = written.filter(isQueuedEvent);
      return [...refused, ...(await this.line.consume(events, { keeps: true }))];
    } catch (error) {
      this.diagnostics.error(
        'the consumer',
        `${written.length} events of the node '${this.line.position().path}' could not be taken out of the queue on disk in ` +
          `${this.store.location}: ${describeError(error)}. They stay in it, and come again with the next start.`,
      );
      return undefined;
    }
  }

  /** Resolves to the records that a destination has not taken: it is offered them again, and the next process will be too. */
  async #register(records: readonly MetadataRecord[]): Promise<MetadataRecord[]> {
    const refused: MetadataRecord[] = [];
    for (const record of records) {
      await this.line.register(record).catch(() => refused.push(record));
    }
    return refused;
  }

  #decoded(entries: readonly Entry[]): Written[] {
    return entries.flatMap(([key, value]) => {
      try {
        return [decode(value, this.line.position())];
      } catch (error) {
        this.diagnostics.error(
          'damage',
          `The queue on disk in ${this.store.location} is damaged, an event of the node '${this.line.position().path}' is ` +
            `lost (${key}): ${describeError(error)}. It was: ${value.slice(0, 200)}`,
        );
        return [];
      }
    });
  }

  /** Does something with the store, again and again until it succeeds or consumption is stopped. */
  async #withoutFail<T>(operation: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        this.diagnostics.error(
          'the disk',
          `The queue on disk in ${this.store.location} fails: ${describeError(error)}. ` +
            `What has not ended is still in it.`,
        );
        if (this.#isStopped) return undefined;
        await this.#delays.wait(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }
}

function areSame(some: readonly Written[], others: readonly Written[]): boolean {
  return some.length === others.length && some.every((each, index) => isSame(each, others[index]!));
}

function isSame(one: Written, other: Written): boolean {
  if (!isQueuedEvent(one) || !isQueuedEvent(other)) return one === other;
  return one.event === other.event && one.path === other.path;
}
