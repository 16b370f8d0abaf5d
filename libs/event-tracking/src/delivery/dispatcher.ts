import { AsyncLocalStorage } from 'node:async_hooks';
import { WaitingEvents, type WaitingEvent } from './waiting-events.js';

/** When batches are sent. */
export interface DispatcherOptions {
  batchSize: number;
  /** In milliseconds. */
  flushInterval: number;
  concurrency: number;
  /** Takes a batch to its destination; never rejects. */
  carry(batch: readonly WaitingEvent[]): Promise<void>;
}

/** How long batches may follow one another before others get their turn, in milliseconds. */
const SLICE_MS = 10;

/** Holds events until a batch is full or has waited long enough, and sends as many batches at once as may be. */
export class Dispatcher {
  readonly #waiting = new WaitingEvents();
  /** How many events have been added in all; an event's number is its place in that order. */
  #added = 0;
  /** Events below this number wait no longer for their batch to fill. */
  #dueBelow = 0;
  /** The number of the first event of each batch that is being carried. */
  readonly #underWay = new Set<{ readonly first: number }>();
  readonly #settlementWatchers: (() => void)[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #turnIsScheduled = false;
  #sliceEnd = 0;
  /** Runs a function outside the context of whoever adds events: no request's context reaches the destination. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(private readonly options: DispatcherOptions) {}

  /** What the events take that are not being carried yet, in bytes. */
  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  add(event: WaitingEvent): void {
    this.#added++;
    this.#waiting.add(event);
    if (this.#waiting.length >= this.options.batchSize) this.#scheduleTurn();
    else if (this.#flushTimer === undefined) this.#startFlushTimer();
  }

  /** Takes away the event that has waited longest, if one is not being carried yet. */
  takeOldest(): WaitingEvent | undefined {
    const [oldest] = this.#waiting.take(1);
    // It may be what somebody waits for, and no batch is to end that would say so.
    if (this.#underWay.size === 0) this.#tellSettlement();
    return oldest;
  }

  /** Takes away all events that are not being carried yet, and starts no further batch. */
  takeAll(): WaitingEvent[] {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const taken = this.#waiting.take(this.#waiting.length);
    this.#tellSettlement();
    return taken;
  }

  /** Lets no event that is there now wait for its batch to fill. */
  hurry(): void {
    this.#dueBelow = this.#added;
    if (this.#waiting.length > 0) this.#scheduleTurn();
  }

  /** Resolves when all events that are there now have been carried to their end. */
  async settled(): Promise<void> {
    const next = this.#added;
    this.hurry();
    while (this.#firstUnsettled < next) await this.settlement();
  }

  /** Resolves when the next batch has been carried to its end. */
  async settlement(): Promise<void> {
    await new Promise<void>((resolve) => this.#settlementWatchers.push(resolve));
  }

  #startFlushTimer(): void {
    this.#outside(() => {
      this.#flushTimer = setTimeout(() => {
        this.#flushTimer = undefined;
        this.hurry();
      }, this.options.flushInterval);
      this.#flushTimer.unref();
    });
  }

  #scheduleTurn(): void {
    if (this.#turnIsScheduled || this.#underWay.size >= this.options.concurrency) return;
    this.#turnIsScheduled = true;
    this.#outside(() => {
      setImmediate(() => {
        this.#turnIsScheduled = false;
        this.#sliceEnd = performance.now() + SLICE_MS;
        this.#takeTurn();
      });
    });
  }

  #takeTurn(): void {
    while (this.#isDue && this.#underWay.size < this.options.concurrency) void this.#carryBatch();
    if (this.#waiting.length > 0 && this.#flushTimer === undefined) this.#startFlushTimer();
  }

  async #carryBatch(): Promise<void> {
    const batch = { first: this.#firstWaiting };
    this.#underWay.add(batch);
    await this.options.carry(this.#waiting.take(this.options.batchSize));
    this.#underWay.delete(batch);
    this.#tellSettlement();
    if (performance.now() < this.#sliceEnd) this.#takeTurn();
    else if (this.#isDue) this.#scheduleTurn();
  }

  #tellSettlement(): void {
    for (const watcher of this.#settlementWatchers.splice(0)) watcher();
  }

  get #isDue(): boolean {
    const { length } = this.#waiting;
    return length >= this.options.batchSize || (length > 0 && this.#firstWaiting < this.#dueBelow);
  }

  get #firstWaiting(): number {
    return this.#added - this.#waiting.length;
  }

  get #firstUnsettled(): number {
    let first = this.#firstWaiting;
    for (const batch of this.#underWay) first = Math.min(first, batch.first);
    return first;
  }
}
