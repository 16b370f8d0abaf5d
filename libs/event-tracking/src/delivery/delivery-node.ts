import { setMaxListeners } from 'node:events';
import { estimateEventSize } from '../core/event/event-size.js';
import type { TrackingEvent } from '../core/event/event.js';
import { currentPeriod } from '../core/event/periods.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { AcceptedEvents } from '../core/tree/accepted-events.js';
import type { Backend, Deadline } from '../core/tree/backend.js';
import type { UnacknowledgedEvent } from '../core/tree/event-queue.js';
import type { EventStats } from '../core/tree/event-stats.js';
import { unpersistedAt, type PersistenceQuery } from '../core/tree/persistence.js';
import {
  nodeOf,
  unattachedPosition,
  type Position,
  type QueueSide,
  type RouteOptions,
  type TreeNode,
  type Unacknowledged,
} from '../core/tree/tree-node.js';
import { endsInTime, untilAborted } from '../core/tree/until-aborted.js';
import type { UnpersistedEvents } from '../core/diagnostics/unpersisted-events.js';
import type { DeadLetter } from './dead-letter.js';
import {
  DeadLetterWriter,
  deliveryThroughNode,
  type LetterDelivery,
} from './dead-letter-writer.js';
import { DeliveryBudget } from './delivery-budget.js';
import { DeliveryLog } from './delivery-log.js';
import {
  readDeliveryOptions,
  type DeliveryOptions,
  type DeliverySettings,
} from './delivery-options.js';
import { Dispatcher } from './dispatcher.js';
import { EventOutcomes } from './event-outcomes.js';
import { LagDetector } from './lag-detector.js';
import { MetadataRegistrar } from './metadata-registrar.js';
import { OverflowReport } from './overflow-report.js';
import { RetryDelays } from './retry-delays.js';
import { RetryingSender } from './retrying-sender.js';
import type { EventEnd, WaitingEvent } from './waiting-events.js';

/** Dead letters count against the bounds of the backend that gave their events up. */
const LETTER_DELIVERY: DeliveryOptions = {
  capacity: Number.MAX_SAFE_INTEGER,
  maxBytes: Number.MAX_SAFE_INTEGER,
  batchSize: 100,
};

/** Delivers events to a plain backend asynchronously: in batches, with retries, within bounds. */
export class DeliveryNode implements TreeNode {
  readonly #settings: DeliverySettings;
  readonly #budget: DeliveryBudget;
  readonly #log: DeliveryLog;
  readonly #outcomes: EventOutcomes;
  readonly #overflow: OverflowReport;
  readonly #delays = new RetryDelays();
  readonly #registrar: MetadataRegistrar;
  readonly #accepted: AcceptedEvents;
  readonly #dispatcher: Dispatcher;
  readonly #sender: RetryingSender;
  readonly #lag = new LagDetector(() => this.#letGo());
  readonly #stopped = new AbortController();
  #position = unattachedPosition('delivery');
  #ending: Promise<void> | undefined;
  /** Aborts when the first of several callers of `close` stops waiting. */
  readonly #late = new AbortController();

  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(
    readonly destination: Backend,
    options: DeliveryOptions = {},
  ) {
    const settings = readDeliveryOptions(options);
    const { batchSize, flushInterval, concurrency, timeout, deadLetter } = settings;
    const stopped = this.#stopped.signal;
    setMaxListeners(0, stopped); // each batch under way listens
    this.#settings = settings;
    this.#budget = new DeliveryBudget(settings);
    this.#log = new DeliveryLog(() => this.#position, settings);
    this.#overflow = new OverflowReport((count) => this.#log.overflow(count, this.#budget));
    this.#registrar = new MetadataRegistrar(destination, { timeout, stopped }, (record, error) =>
      this.#log.unregistered(record, error),
    );
    this.#outcomes = new EventOutcomes({
      budget: this.#budget,
      log: this.#log,
      letters: deadLetter && new DeadLetterWriter(letterDelivery(deadLetter)),
      position: () => this.#position,
      onRoom: () => this.#dispatcher.notifyWaiters(),
      onEnd: (event, end) => this.#leave(event, end),
    });
    this.#accepted = new AcceptedEvents(destination, this.#outcomes.counters, () => this.#position);
    this.#sender = new RetryingSender({
      destination,
      settings,
      delays: this.#delays,
      registrar: this.#registrar,
      stopped,
      listener: this.#outcomes,
      withoutDeferred: (batch) => this.#withoutDeferred(batch),
    });
    this.#dispatcher = new Dispatcher({
      batchSize: destination.sendBatch === undefined ? 1 : batchSize,
      flushInterval,
      concurrency,
      deliver: (batch) => this.#sender.deliver(batch),
    });
    this.attach(this.#position);
  }

  stats(): Record<string, EventStats> {
    return this.#outcomes.stats();
  }

  /** Resolves when every event that is queued now has ended, or the signal aborts. Ends all pauses between attempts. */
  async flush(deadline: Deadline): Promise<void> {
    await this.#settle(deadline);
    await untilAborted(this.destination.flush?.(deadline), deadline.signal);
  }

  /** Does not end pauses between attempts: callers are many, and would turn backoff into a storm. */
  async persisted(query: PersistenceQuery): Promise<readonly UnpersistedEvents[]> {
    const settled = this.#dispatcher.settled().then(() => this.#outcomes.settled());
    const pending = (await endsInTime(settled, query.signal)) ? 0 : this.#pendingUntil(query.until);
    const unwritten = await this.#accepted.write(query.signal);
    const { path } = this.#position;
    return unpersistedAt(path, this.#outcomes.counters, query, pending + unwritten);
  }

  /** The events that have not ended, except those whose dead letters are being stored; oldest first. */
  get pendingEvents(): TrackingEvent[] {
    return this.#dispatcher.pending.map(({ event }) => event);
  }

  abandon(): Record<string, number> {
    const { pending } = this.#outcomes.counters;
    return pending > 0 ? { [this.#position.path]: pending } : {};
  }

  /** Delivers the queued events, drops as `undelivered` those left when the signal aborts, and closes the destination. */
  async close(deadline: Deadline): Promise<void> {
    await this.stop(deadline);
    try {
      await untilAborted(this.destination.close?.(deadline), deadline.signal);
    } finally {
      await this.#outcomes.close(deadline);
    }
  }

  /** Does the same, but leaves the destination open. */
  async stop({ signal }: Deadline): Promise<void> {
    const ending = (this.#ending ??= this.#end());
    await untilAborted(ending, signal);
    if (signal?.aborted === true) this.#late.abort();
    await ending;
  }

  route(event: TrackingEvent, size: number = estimateEventSize(event)): void {
    const { counters } = this.#outcomes;
    counters.arrived++;
    if (this.#ending !== undefined) {
      counters.drop('closed');
    } else if (this.#makeRoomFor(size)) {
      counters.pending++;
      this.#add({ event, size, arrivedAt: this.#now(), period: currentPeriod() });
    }
  }

  /** Waits for room, as callers behind a queue can. */
  async routeAsync(
    event: TrackingEvent,
    { keeps: isKept = false, isFull, resumed }: RouteOptions,
  ): Promise<Unacknowledged> {
    if (isFull !== undefined && this.#lag.isLagging && this.#ending === undefined) {
      if (!isKept) {
        this.route(event);
        return [];
      }
      if (this.#mustWaitInQueue(resumed !== undefined)) return [this.#entryOf({ event }, true)];
    }
    const attempts = resumed?.attempts ?? 0;
    const failures =
      attempts > 0 ? { total: attempts, kind: 'unknown' as const, inARow: attempts } : undefined;
    const waiting = this.#waitingFor(event, { isKept, failures });
    const end = await this.#deliver(waiting, isFull);
    return end === 'undelivered' || (end === 'deferred' && isKept)
      ? [this.#entryOf(waiting, end === 'deferred')]
      : [];
  }

  routeAsyncTo(): undefined {
    return undefined;
  }

  joinQueue({ peers }: QueueSide): void {
    this.#lag.join(peers);
  }

  attach(position: Position): void {
    this.#position = position;
    this.#outcomes.attach(position);
  }

  /** Delivers a dead letter; its sender keeps the event until this has ended. */
  async deliverLetter(letter: DeadLetter): Promise<EventEnd> {
    return this.#deliver(this.#waitingFor(letter, { isKept: true, isDeadLetter: true }));
  }

  /** @param isFull - whether the queue that the event came from hands over nothing more, if it tells */
  async #deliver(waiting: WaitingEvent, isFull?: () => boolean): Promise<EventEnd> {
    const { counters } = this.#outcomes;
    counters.arrived++;
    counters.pending++;
    if (isFull !== undefined) this.#lag.hold(waiting, isFull);
    while (!this.#budget.hasRoomFor(waiting.size) && this.#budget.count > 0) {
      this.#dispatcher.flushSoon();
      await this.#dispatcher.nextBatchEnd();
      if (this.#isToLetGo(waiting)) return this.#letGoBeforeRoom(waiting);
    }
    if (this.#ending !== undefined) {
      this.#lag.release(waiting);
      counters.pending--;
      if (waiting.isKept === true) counters.arrived--;
      else counters.drop('closed', 1, waiting.period);
      return 'undelivered';
    }
    return new Promise<EventEnd>((onEnd) => {
      waiting.onEnd = onEnd;
      this.#add(waiting);
      // The queue before has collected events already: a batch holds those that came together.
      this.#dispatcher.flushSoon();
    });
  }

  #leave(event: WaitingEvent, end: EventEnd): void {
    this.#lag.release(event);
    if (end === 'deferred' || end === 'undelivered') return;
    this.#lag.succeed();
    if (this.#outcomes.counters.pending === 0) this.#lag.end();
  }

  /** Registers a record before further events are delivered, and retries with each batch. */
  async register(record: MetadataRecord): Promise<void> {
    if (this.destination.register === undefined) return;
    if (this.#ending === undefined) {
      this.#registrar.add(record);
      await this.#registrar.register();
      if (this.#registrar.hasTaken(record)) return;
    }
    throw new Error(
      `The backend '${this.#position.path}' has not taken the ${record.kind} type '${record.name}' (${record.id}).`,
    );
  }

  #add(event: WaitingEvent): void {
    this.#budget.take(event.size);
    this.#dispatcher.add(event);
  }

  /** The clock costs more than the rest of `send`, so it is read only where an age is limited. */
  #now(): number {
    return this.#settings.retry.maxAge === Infinity ? 0 : performance.now();
  }

  #waitingFor(event: TrackingEvent, options: Partial<WaitingEvent>): WaitingEvent {
    const size = estimateEventSize(event);
    return { event, size, arrivedAt: this.#now(), period: currentPeriod(), ...options };
  }

  #entryOf(
    { event, failures }: Pick<WaitingEvent, 'event' | 'failures'>,
    isDeferred: boolean,
  ): UnacknowledgedEvent {
    const attempts = failures?.kind === 'unknown' ? failures.inARow : undefined;
    return {
      path: this.#position.path,
      event,
      ...(attempts !== undefined && { attempts }),
      ...(isDeferred && { isDeferred }),
    };
  }

  /** Whether an event has to wait in its queue while the destination holds up others; one that finds it idle is a probe. */
  #mustWaitInQueue(isResumed: boolean): boolean {
    const { batchSize, concurrency } = this.#settings;
    const limit = isResumed ? 2 * batchSize * concurrency : 1;
    return this.#outcomes.counters.pending >= limit || performance.now() < this.#sender.resumesAt;
  }

  #isToLetGo(waiting: WaitingEvent): boolean {
    return this.#lag.isLagging && this.#lag.holds(waiting);
  }

  /** Gives the queue its room back: events that it keeps return to it, the others wait here. */
  #letGo(): void {
    const isDeferred = (waiting: WaitingEvent): boolean =>
      waiting.isKept === true && this.#lag.holds(waiting);
    this.#outcomes.defer(this.#dispatcher.takeIf(isDeferred));
    for (const waiting of this.#lag.held) {
      if (waiting.isKept === true || waiting.onEnd === undefined) continue;
      waiting.onEnd('deferred');
      waiting.onEnd = undefined;
      this.#lag.release(waiting);
    }
    // Batches that pause return their events to the queue.
    if (this.#lag.held.some(({ isKept }) => isKept)) this.#delays.cancelWaits();
  }

  #letGoBeforeRoom(waiting: WaitingEvent): EventEnd {
    const { counters } = this.#outcomes;
    this.#lag.release(waiting);
    counters.pending--;
    counters.arrived--;
    if (waiting.isKept !== true) this.route(waiting.event, waiting.size);
    return 'deferred';
  }

  #withoutDeferred(batch: readonly WaitingEvent[]): readonly WaitingEvent[] {
    this.#lag.fail();
    const deferred = batch.filter((each) => each.isKept === true && this.#isToLetGo(each));
    if (deferred.length === 0) return batch;
    this.#outcomes.defer(deferred);
    return batch.filter(({ hasEnded }) => hasEnded !== true);
  }

  /** Drops events as the policy demands until there is room; returns false when it drops the incoming event. */
  #makeRoomFor(size: number): boolean {
    while (!this.#budget.hasRoomFor(size)) {
      const oldest = this.#mayDropOldestFor(size) ? this.#dispatcher.takeOldest() : undefined;
      this.#outcomes.counters.drop('overflow', 1, oldest?.period);
      this.#overflow.count();
      // The room that is missing may be taken by a batch that waits to fill.
      this.#dispatcher.flushSoon();
      if (oldest === undefined) return false;
      this.#outcomes.release([oldest], 'dropped');
    }
    return true;
  }

  /** Whether dropping waiting events can make room: otherwise they would be lost for nothing. */
  #mayDropOldestFor(size: number): boolean {
    const isPolicy = this.#settings.overflow === 'drop-oldest';
    return isPolicy && this.#budget.hasBytesFor(size, this.#dispatcher.waitingBytes);
  }

  #pendingUntil(period: number): number {
    const later = this.#dispatcher.pending.filter((each) => each.period > period).length;
    return this.#outcomes.counters.pending - later;
  }

  async #settle({ signal }: Deadline): Promise<void> {
    const settled = Promise.all([this.#dispatcher.settled(), this.#registrar.register()]);
    this.#sender.cancelWaits();
    await untilAborted(settled, signal);
    this.#overflow.flush();
    await this.#outcomes.flush({ signal });
  }

  async #end(): Promise<void> {
    const { signal } = this.#late;
    await this.#settle({ signal });
    const late = this.#dispatcher.takeAll();
    this.#stopped.abort();
    this.#sender.cancelWaits();
    if (late.length > 0) this.#outcomes.leaveUndelivered(late);
    await this.#dispatcher.settled();
    await this.#outcomes.stop({ signal });
  }
}

/** Others may use a backend that holds a node, so it stays open. */
function letterDelivery(backend: Backend): LetterDelivery {
  const given = nodeOf(backend);
  if (given !== undefined && !(given instanceof DeliveryNode)) return deliveryThroughNode(given);
  const node = given ?? new DeliveryNode(backend, LETTER_DELIVERY);
  return {
    deliver: (letter) => node.deliverLetter(letter),
    flush: (deadline) => node.flush(deadline),
    stop: (deadline) => (given === undefined ? node.stop(deadline) : node.flush(deadline)),
    close: (deadline) => node.close(deadline),
    attach: (position) => node.attach(position),
    stats: () => node.stats(),
  };
}
