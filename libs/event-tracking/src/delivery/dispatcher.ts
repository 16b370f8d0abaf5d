import { AsyncLocalStorage } from 'node:async_hooks';
import { WaitingEvents, type WaitingEvent } from './waiting-events.js';

/** Decides when batches are sent, and how. */
export interface DispatcherOptions {
  batchSize: number;
  /** In milliseconds. */
  flushInterval: number;
  concurrency: number;
  /** Delivers a batch; never rejects. */
  deliver(batch: readonly WaitingEvent[]): Promise<void>;
}

/** How long batches may follow one another before the event loop gets its turn, in milliseconds. */
const SLICE_MS = 10;

/** Collects events until a batch is full or has waited long enough, and sends several batches at once. */
export class Dispatcher {
  readonly #waiting = new WaitingEvents();
  /** How many events have been added in all. An event's number is its position in that order. */
  #added = 0;
  /** Events below this number do not wait for their batch to fill. */
  #dueBelow = 0;
  readonly #underWay = new Set<{ readonly first: number; readonly events: WaitingEvent[] }>();
  readonly #batchEndWaiters: (() => void)[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #turnIsScheduled = false;
  #sliceEnd = 0;
  /** Runs a function outside the context of the caller, so that no request's context reaches the destination. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(private readonly options: DispatcherOptions) {}

  /** The estimated size of the events that are not being delivered yet, in bytes. */
  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  /** The events that wait or are being delivered, oldest first. */
  get pending(): WaitingEvent[] {
    const underWay = [...this.#underWay].flatMap(({ events }) => events);
    return [...underWay.filter(({ hasEnded }) => hasEnded !== true), ...this.#waiting.all];
  }

  add(event: WaitingEvent): void {
    this.#added++;
    this.#waiting.add(event);
    if (this.#waiting.length >= this.options.batchSize) this.#scheduleTurn();
    else if (this.#flushTimer === undefined) this.#startFlushTimer();
  }

  /** Removes and returns the event that has waited longest, unless all are being delivered. */
  takeOldest(): WaitingEvent | undefined {
    const [oldest] = this.#waiting.take(1);
    // A flush may wait for this event, and no batch will end to wake it.
    if (this.#underWay.size === 0) this.notifyWaiters();
    return oldest;
  }

  /** Removes and returns those events for which a condition holds and that are not being delivered yet. */
  takeIf(condition: (event: WaitingEvent) => boolean): WaitingEvent[] {
    const taken = this.#waiting.takeIf(condition);
    this.notifyWaiters();
    return taken;
  }

  /** Removes and returns all events that are not being delivered yet; starts no further batch. */
  takeAll(): WaitingEvent[] {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const taken = this.#waiting.take(this.#waiting.length);
    this.notifyWaiters();
    return taken;
  }

  /** Sends the events that wait now without waiting for their batch to fill. */
  flushSoon(): void {
    this.#dueBelow = this.#added;
    if (this.#waiting.length > 0) this.#scheduleTurn();
  }

  /** Resolves when all batches with events that are here now have ended. */
  async settled(): Promise<void> {
    const next = this.#added;
    this.#turnIsScheduled = false; // fake timers of a test, gone since, may have swallowed it
    this.flushSoon();
    while (this.#firstUnsettled < next) await this.nextBatchEnd();
  }

  /** Resolves when the next batch ends, or somebody calls {@link notifyWaiters}. */
  async nextBatchEnd(): Promise<void> {
    await new Promise<void>((resolve) => this.#batchEndWaiters.push(resolve));
  }

  #startFlushTimer(): void {
    this.#outside(() => {
      this.#flushTimer = setTimeout(() => {
        this.#flushTimer = undefined;
        this.flushSoon();
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
    while (this.#isDue && this.#underWay.size < this.options.concurrency) void this.#deliverBatch();
    if (this.#waiting.length > 0 && this.#flushTimer === undefined) this.#startFlushTimer();
  }

  async #deliverBatch(): Promise<void> {
    const first = this.#firstWaiting;
    const batch = { first, events: this.#waiting.take(this.options.batchSize) };
    this.#underWay.add(batch);
    await this.options.deliver(batch.events);
    this.#underWay.delete(batch);
    this.notifyWaiters();
    if (performance.now() < this.#sliceEnd) this.#takeTurn();
    else if (this.#isDue) this.#scheduleTurn();
  }

  /** Wakes everybody who waits for the end of a batch. */
  notifyWaiters(): void {
    for (const waiter of this.#batchEndWaiters.splice(0)) waiter();
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
