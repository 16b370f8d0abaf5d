import { setMaxListeners } from 'node:events';
import { EventCounters, type EventStats } from '../core/tree/event-stats.js';
import { isBackend, type Backend, type Deadline } from '../core/tree/backend.js';
import { describeError, describeValue } from '../core/diagnostics/describe.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { nameOf, type TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { ConsumeOptions, QueuedEvent } from '../core/tree/event-queue.js';
import { estimateEventSize } from '../core/event/event-size.js';
import { RoutingBackend } from '../core/tree/routing-backend.js';
import { copyOf } from '../core/event/snapshot.js';
import { ADOPT, DELIVER, ROUTE, SHOWN, type Place } from '../core/tree/tree-node.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { Courier, type GivenUp, type Ledger } from './courier.js';
import type { DeadLetter } from './dead-letter.js';
import {
  readDeliveryOptions,
  type DeliveryOptions,
  type DeliverySettings,
} from './delivery-options.js';
import { Dispatcher } from './dispatcher.js';
import { OverflowReport } from './overflow-report.js';
import { Pauses } from './pauses.js';
import { Registrations } from './registrations.js';
import type { WaitingEvent } from './waiting-events.js';

/**
 * Delivers events to another backend: later, in batches, again when it fails, within bounds of memory and time.
 *
 * @remarks
 * - `send` only queues: it costs the caller next to nothing and never throws. What does not fit is dropped as `overflow`.
 * - Every event ends as delivered, filtered, dropped (by reason) or dead; what has not ended is pending.
 * - Delivery is at least once: after a timeout nobody knows whether the destination has taken the events, and they are
 *   sent again. Destinations recognise them by their ids.
 * - Where a destination refuses a whole batch for good, the events to blame are searched for by halving it.
 * - Its timers keep no process alive: call `close` at the end, as the module does.
 *
 * @example
 * ```ts
 * const tracker = new Tracker({
 *   backends: { crm: new DeliveringBackend(new CrmBackend(), { batchSize: 50, concurrency: 2 }) },
 * });
 * ```
 */
export class DeliveringBackend implements Backend {
  /** What events are delivered to. */
  readonly destination: Backend;
  /** Rejects when the destination cannot be reached; there where the destination can tell. */
  readonly check?: (deadline: Deadline) => Promise<void>;
  /**
   * Registers a record before further events are delivered, again and again until the destination has it; rejects when it
   * has not after the first time.
   */
  readonly register?: (record: MetadataRecord) => Promise<void>;
  readonly #registrations: Registrations;
  readonly #settings: DeliverySettings;
  readonly #dispatcher: Dispatcher;
  readonly #deadLetters: RoutingBackend | undefined;
  readonly #account = new EventCounters();
  /** How many events are on their way, and what they take, in bytes. */
  #count = 0;
  #bytes = 0;
  readonly #pauses = new Pauses();
  readonly #stopped = new AbortController();
  readonly #overflow = new OverflowReport((count) => this.#reportOverflow(count));
  #place: Place = {
    tracker: 'default',
    path: 'delivery',
    diagnostics: new Diagnostics(),
    stands: false,
  };
  #ending: Promise<void> | undefined;
  /** Aborts when the first of those who close waits no longer. */
  readonly #late = new AbortController();

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(destination: Backend, options: DeliveryOptions = {}) {
    if (!isBackend(destination)) {
      throw new ImproperlyConfigured(
        `DeliveringBackend: expected a backend with a method send(event), received ${describeValue(destination)}. ` +
          `Pass an instance.`,
      );
    }
    const settings = readDeliveryOptions(options);
    const { batchSize, flushInterval, concurrency, deadLetter } = settings;
    this.destination = destination;
    if (destination.check !== undefined) this.check = (deadline) => destination.check!(deadline);
    if (destination.register !== undefined) this.register = (record) => this.#register(record);
    this.#settings = settings;
    const stopped = this.#stopped.signal;
    setMaxListeners(0, stopped); // each batch that is under way listens
    this.#registrations = new Registrations(
      destination,
      { timeout: settings.timeout, stopped },
      (record, error) => this.#reportUnregistered(record, error),
    );
    const courier = new Courier(destination, settings, this.#pauses, stopped, this.#ledger());
    this.#dispatcher = new Dispatcher({
      batchSize: destination.sendBatch === undefined ? 1 : batchSize,
      flushInterval,
      concurrency,
      carry: async (batch) => {
        if (!this.#registrations.areDone) await this.#registrations.settle();
        await courier.carry(batch);
      },
    });
    if (deadLetter !== undefined) {
      this.#deadLetters = new RoutingBackend({ backends: { deadLetter } });
    }
    this[ADOPT](this.#place);
  }

  /** Queues a copy of the event. */
  send(event: TrackingEvent): void {
    this[ROUTE](copyOf(event));
  }

  /** What became of the events by path: of those sent here, and of the dead letters where somebody keeps them. */
  stats(): Record<string, EventStats> {
    return { ...this.#deadLetters?.stats(), [this.#place.path]: this.#account.read() };
  }

  /** Resolves when every event that is queued now is delivered or given up, or the signal aborts. */
  async flush(deadline: Deadline = {}): Promise<void> {
    await this.#settle(deadline);
    try {
      await untilAborted(this.destination.flush?.(deadline), deadline.signal);
    } finally {
      await this.#deadLetters?.flush(deadline);
    }
  }

  /** Delivers what is queued, drops as `undelivered` what is left when the signal aborts, and closes the destination. */
  async close(deadline: Deadline = {}): Promise<void> {
    await this.end(deadline);
    try {
      await untilAborted(this.destination.close?.(deadline), deadline.signal);
    } finally {
      await this.#deadLetters?.close(deadline);
    }
  }

  /** Does what `close` does, and leaves the destinations open for whoever else uses them. */
  async end({ signal }: Deadline = {}): Promise<void> {
    const ending = (this.#ending ??= this.#end());
    await untilAborted(ending, signal);
    if (signal?.aborted === true) this.#late.abort();
    await ending;
  }

  /** @internal */
  [ROUTE](event: TrackingEvent, size: number = estimateEventSize(event)): void {
    const account = this.#account;
    account.arrived++;
    if (this.#ending !== undefined) {
      account.drop('closed');
    } else if (this.#makeRoomFor(size)) {
      account.pending++;
      this.#add({ event, size });
    }
  }

  /** @internal Waits for room: whoever delivers from behind a queue can. */
  async [DELIVER](
    event: TrackingEvent,
    { keeps: isKept = false }: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> {
    const size = estimateEventSize(event);
    const account = this.#account;
    account.arrived++;
    account.pending++;
    while (!this.#hasRoomFor(size) && this.#count > 0) {
      this.#dispatcher.hurry();
      await this.#dispatcher.settlement();
    }
    if (this.#ending !== undefined) {
      account.pending--;
      if (isKept) account.arrived--;
      else account.drop('closed');
      return [{ path: this.#place.path, event }];
    }
    const undelivered = await new Promise<boolean>((ended) => {
      this.#add({ event, size, ended, isKept });
      // The queue has waited already: a batch is what came together, and what came while others were under way.
      this.#dispatcher.hurry();
    });
    return undelivered ? [{ path: this.#place.path, event }] : [];
  }

  /** @internal */
  [ADOPT](place: Place): void {
    this.#place = place;
    this.#deadLetters?.[ADOPT](place);
  }

  /** @internal */
  get [SHOWN](): Backend {
    return this.destination;
  }

  async #register(record: MetadataRecord): Promise<void> {
    if (this.#ending === undefined) {
      this.#registrations.add(record);
      await this.#registrations.settle();
      if (this.#registrations.hasTaken(record)) return;
    }
    throw new Error(
      `The backend '${this.#place.path}' has not taken the ${record.kind} type '${record.name}' (${record.id}).`,
    );
  }

  #add(event: WaitingEvent): void {
    this.#count++;
    this.#bytes += event.size;
    this.#dispatcher.add(event);
  }

  #hasRoomFor(size: number): boolean {
    const { capacity, maxBytes } = this.#settings;
    return this.#count < capacity && this.#bytes + size <= maxBytes;
  }

  /** Drops what the policy says until there is room; false when it is the newcomer. */
  #makeRoomFor(size: number): boolean {
    while (!this.#hasRoomFor(size)) {
      const oldest = this.#mayDropFor(size) ? this.#dispatcher.takeOldest() : undefined;
      this.#account.drop('overflow');
      this.#overflow.count();
      // A batch that waits to fill takes the room that is missing.
      this.#dispatcher.hurry();
      if (oldest === undefined) return false;
      this.#endOf([oldest]);
    }
    return true;
  }

  /** Whether there would be room without those that wait: where not, dropping them would lose them for nothing. */
  #mayDropFor(size: number): boolean {
    const { overflow, maxBytes } = this.#settings;
    if (overflow !== 'drop-oldest') return false;
    return this.#bytes - this.#dispatcher.waitingBytes + size <= maxBytes;
  }

  async #settle({ signal }: Deadline): Promise<void> {
    const settled = Promise.all([this.#dispatcher.settled(), this.#registrations.settle()]);
    this.#pauses.hurry();
    await untilAborted(settled, signal);
    this.#overflow.say();
  }

  async #end(): Promise<void> {
    await this.#settle({ signal: this.#late.signal });
    const late = this.#dispatcher.takeAll();
    this.#stopped.abort();
    this.#pauses.end();
    if (late.length > 0) {
      this.#giveUp(late, { reason: 'undelivered', error: undefined, attempts: 0 });
    }
    await this.#dispatcher.settled();
  }

  #ledger(): Ledger {
    const account = this.#account;
    return {
      delivered: (events) => {
        account.delivered += events.length;
        this.#endOf(events);
      },
      filtered: (events) => {
        account.filtered += events.length;
        this.#endOf(events);
      },
      givenUp: (events, why) => this.#giveUp(events, why),
      retrying: (events, { error, attempts, pause }) => {
        account.retried += events.length;
        this.#place.diagnostics.warn(
          `deliveries to ${this.#place.path}`,
          `Unable to deliver ${eventsOf(events.length)} to the backend '${this.#place.path}' (attempt ${attempts}): ` +
            `${describeError(error)}. The next attempt is in ${Math.round(pause)} ms.`,
        );
      },
    };
  }

  /** Takes events off the count of those that are on their way. */
  #endOf(events: readonly WaitingEvent[], undelivered = false): void {
    this.#account.pending -= events.length;
    this.#count -= events.length;
    for (const { size, ended } of events) {
      this.#bytes -= size;
      ended?.(undelivered);
    }
  }

  #giveUp(all: readonly WaitingEvent[], why: GivenUp): void {
    const { reason, error, attempts } = why;
    this.#endOf(all, reason === 'undelivered');
    const events = reason === 'undelivered' ? this.#givenBack(all) : all;
    if (events.length === 0) return;
    const { diagnostics, path } = this.#place;
    const kept = this.#bury(events, why);
    if (!kept) this.#account.drop(reason, events.length);
    const which =
      events.length === 1 ? `The event '${nameOf(events[0]!.event)}'` : eventsOf(events.length);
    diagnostics.error(
      `events given up for ${path}`,
      reason === 'undelivered'
        ? `${which} could not be delivered to the backend '${path}' before the time for closing was over. ` +
            `Give it more time (shutdownTimeout), or a queue that outlives the process.`
        : `${which} could not be delivered to the backend '${path}', ${WHY[reason]} ` +
            `(attempts: ${attempts}): ${describeError(error)}. ${kept ? 'Kept as dead letters.' : 'Dropped.'}`,
    );
  }

  /** Takes events off the account that go back to a queue, and returns the others. */
  #givenBack(events: readonly WaitingEvent[]): readonly WaitingEvent[] {
    const lost = events.filter(({ isKept }) => isKept !== true);
    this.#account.arrived -= events.length - lost.length;
    return lost;
  }

  /** Hands events to the destination for dead letters, where there is one and they were tried. */
  #bury(events: readonly WaitingEvent[], { reason, error, attempts }: GivenUp): boolean {
    if (this.#deadLetters === undefined || reason === 'undelivered') return false;
    const { tracker, path } = this.#place;
    this.#account.dead += events.length;
    for (const { event } of events) {
      const note = { tracker, path, reason, error: describeError(error), attempts };
      const letter: DeadLetter = { ...event, dead_letter: { ...note, time: new Date() } };
      this.#deadLetters[ROUTE](letter);
    }
    return true;
  }

  #reportUnregistered({ kind, name, id }: MetadataRecord, error: string): void {
    const { diagnostics, path } = this.#place;
    diagnostics.error(
      `register ${path}`,
      `Unable to register the ${kind} type '${name}' (${id}) with the backend '${path}': ${error}. ` +
        `It is tried again with the next events.`,
    );
  }

  #reportOverflow(count: number): void {
    const { capacity, maxBytes } = this.#settings;
    const { diagnostics, path } = this.#place;
    diagnostics.error(
      `overflow before ${path}`,
      `${eventsOf(count)} dropped before the backend '${path}', because too many are on their way: ` +
        `${this.#count} of ${capacity} (capacity), about ${this.#bytes} of ${maxBytes} bytes (maxBytes).`,
    );
  }
}

const WHY = {
  rejected: 'which refused for good',
  exhausted: 'however often it was tried',
};

function eventsOf(count: number): string {
  return `${count} ${count === 1 ? 'event' : 'events'}`;
}
