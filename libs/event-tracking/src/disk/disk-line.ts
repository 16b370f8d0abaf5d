import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import { Consumption } from './consumption.js';
import { encode, keyOf, numberOf, prefixOf, type Node } from './entry.js';
import type { Entry, EventStore } from './event-store.js';

/** What a line asks of the queue that it belongs to. */
export interface QueueOfLine {
  /** The store of this process, opened where it is not. */
  own(): Promise<EventStore>;
  readonly maxBytes: number;
  readonly concurrency: number;
  readonly diagnostics: Diagnostics;
}

/** One node's way through the store of this process: written at its end, taken out from its beginning. */
export class DiskLine implements Backend {
  #number: Promise<{ last: number }> | undefined;
  #writing = Promise.resolve();
  /** Of the store of this process. */
  #consumption: Consumption | undefined;
  /** Those of stores that others have left, too. */
  readonly #consumptions = new Set<Consumption>();
  #isStarted = false;
  #isStopped = false;

  constructor(
    readonly line: EventQueueConsumer,
    private readonly queue: QueueOfLine,
  ) {}

  /** Whether it is that node's. */
  isOf(node: Node): boolean {
    return prefixOf(this.line.position()) === prefixOf(node);
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const node = this.line.position();
    await this.#append(events.map((event) => encode({ path: node.path, event }, node)));
  }

  async register(record: MetadataRecord): Promise<void> {
    await this.#append([encode(record, this.line.position())]);
  }

  /** Whether events are taken out: from the moment when the tree stands to that when it is closed. */
  get takesOut(): boolean {
    return this.#isStarted && !this.#isStopped;
  }

  /** Begins to take events out. */
  start(): void {
    this.#isStarted = true;
    this.hurry();
  }

  /** Sees to it that what is in the store of this process is taken out. */
  hurry(): void {
    this.#takeOut().catch(() => {}); // the next write says what is wrong, and tries again
  }

  /** Resolves when what is in the store of this process now has ended. */
  async drain(): Promise<void> {
    await this.#takeOut()
      .then((consumption) => consumption?.drain())
      .catch(() => {}); // a store that fails is said by whoever writes or reads
    await this.#consumption?.rest();
  }

  /** Takes out what another process has left; rejects when its store fails. */
  async takeUp(store: EventStore): Promise<void> {
    const consumption = this.#consumptionOf(store);
    try {
      await consumption.drain();
    } finally {
      await consumption.stop();
      this.#consumptions.delete(consumption);
    }
  }

  /** Takes nothing more out, and resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#consumptions].map((consumption) => consumption.stop()));
  }

  async #takeOut(): Promise<Consumption | undefined> {
    if (!this.takesOut) return undefined;
    const store = await this.queue.own();
    if (!this.takesOut) return undefined;
    this.#consumption ??= this.#consumptionOf(store);
    this.#consumption.hurry();
    return this.#consumption;
  }

  #consumptionOf(store: EventStore): Consumption {
    const { concurrency, diagnostics } = this.queue;
    const consumption = new Consumption(store, this.line, concurrency, diagnostics);
    this.#consumptions.add(consumption);
    return consumption;
  }

  async #append(values: readonly string[]): Promise<void> {
    try {
      const store = await this.queue.own();
      const entries = await this.#numbered(values, store);
      await this.#inTurn(() => this.#write(entries, store));
    } catch (error) {
      if (error instanceof RetryableDeliveryError) throw error;
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
    this.hurry();
  }

  /** One write after the other: what stands before an entry is in the store when the entry is. */
  async #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(write);
    this.#writing = turn.catch(() => {}); // the next has its own turn, and this failure was told
    await turn;
  }

  async #write(entries: readonly Entry[], store: EventStore): Promise<void> {
    const { maxBytes } = this.queue;
    if (await store.exceeds(maxBytes)) {
      throw new RetryableDeliveryError(
        `the queue on disk in ${store.location} is full (maxBytes: ${maxBytes})`,
      );
    }
    await store.add(entries);
  }

  async #numbered(values: readonly string[], store: EventStore): Promise<Entry[]> {
    const prefix = prefixOf(this.line.position());
    const number = await (this.#number ??= this.#lastNumberIn(store));
    return values.map((value) => [keyOf(prefix, ++number.last), value]);
  }

  async #lastNumberIn(store: EventStore): Promise<{ last: number }> {
    const node = this.line.position();
    try {
      const last = await store.lastKey(node);
      return { last: last === undefined ? 0 : numberOf(last, prefixOf(node)) };
    } catch (error) {
      this.#number = undefined; // to be tried again
      throw error;
    }
  }
}
