import { describeError } from '../core/diagnostics/describe.js';
import type { Deadline } from '../core/tree/backend.js';
import { EventCounters, type EventStats } from '../core/tree/event-stats.js';
import type { Position } from '../core/tree/tree-node.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import type { DeadLetter } from './dead-letter.js';
import type { DeadLetterWriter } from './dead-letter-writer.js';
import type { DeliveryBudget } from './delivery-budget.js';
import type { DeliveryLog } from './delivery-log.js';
import type { DeliveryListener, GivenUp, Retry } from './retrying-sender.js';
import type { EventEnd, WaitingEvent } from './waiting-events.js';

/** The collaborators of {@link EventOutcomes}. */
export interface EventOutcomesOptions {
  readonly budget: DeliveryBudget;
  readonly log: DeliveryLog;
  /** Stores events that are given up; without it they are dropped. */
  readonly letters: DeadLetterWriter | undefined;
  position(): Position;
  /** Called when a stored dead letter has made room. */
  onRoom(): void;
  /** Called when an event has ended here. */
  onEnd(event: WaitingEvent, end: EventEnd): void;
}

/** Ends events: counts them, releases their budget, and stores those that are given up as dead letters. */
export class EventOutcomes implements DeliveryListener {
  readonly counters = new EventCounters();
  readonly #letters: DeadLetterWriter | undefined;
  readonly #storing = new Set<Promise<void>>();

  constructor(private readonly options: EventOutcomesOptions) {
    this.#letters = options.letters;
  }

  /** Returns the counts of the events, and of their dead letters, by path. */
  stats(): Record<string, EventStats> {
    const { path } = this.options.position();
    return { [path]: this.counters.read(), ...this.#letters?.stats() };
  }

  attach(position: Position): void {
    this.#letters?.attach(position);
  }

  onDelivered(events: readonly WaitingEvent[]): void {
    this.counters.delivered += events.length;
    this.release(events, 'delivered');
  }

  onFiltered(events: readonly WaitingEvent[]): void {
    this.counters.filtered += events.length;
    this.release(events, 'filtered');
  }

  onRetry(events: readonly WaitingEvent[], retry: Retry): void {
    this.counters.retried += events.length;
    this.options.log.retry(events, retry);
  }

  onGivenUp(events: readonly WaitingEvent[], why: GivenUp): void {
    if (why.reason === 'undelivered') {
      this.leaveUndelivered(events);
      return;
    }
    const letters = this.#letters;
    this.options.log.givenUp(events, why, letters !== undefined);
    if (letters === undefined) {
      this.#drop(events, why);
      return;
    }
    const storing: Promise<void> = this.#toDeadLetters(letters, events, why).finally(() =>
      this.#storing.delete(storing),
    );
    this.#storing.add(storing);
  }

  /** Ends events: they no longer count as pending, nor against the budget. */
  release(events: readonly WaitingEvent[], end: EventEnd): void {
    this.counters.pending -= events.length;
    for (const waiting of events) {
      waiting.hasEnded = true;
      this.options.budget.release(waiting.size);
      this.options.onEnd(waiting, end);
      waiting.onEnd?.(end);
    }
  }

  /** Returns events to the queue that keeps them, to be delivered later. */
  defer(events: readonly WaitingEvent[]): void {
    this.counters.arrived -= events.length;
    this.release(events, 'deferred');
  }

  /** Returns events to the queue that keeps them, and drops the others. */
  leaveUndelivered(events: readonly WaitingEvent[]): void {
    this.release(events, 'undelivered');
    const lost = events.filter(({ isKept }) => isKept !== true);
    this.counters.arrived -= events.length - lost.length;
    if (lost.length === 0) return;
    this.#countDrops(lost, 'undelivered');
    this.options.log.undelivered(lost);
  }

  /** Resolves when all dead letters have ended, or the signal aborts. */
  async flush({ signal }: Deadline): Promise<void> {
    await this.#letters?.flush({ signal });
    await untilAborted(Promise.all(this.#storing), signal);
  }

  /** Resolves when the dead letters of events that were given up so far have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#storing);
  }

  /** Abandons dead letters that are not stored when the signal aborts. */
  async stop({ signal }: Deadline): Promise<void> {
    await this.#letters?.stop({ signal });
    await Promise.all(this.#storing);
  }

  async close(deadline: Deadline): Promise<void> {
    await this.#letters?.close(deadline);
  }

  #drop(events: readonly WaitingEvent[], { reason }: GivenUp): void {
    this.#countDrops(events, reason);
    this.release(events, 'dropped');
  }

  #countDrops(events: readonly WaitingEvent[], reason: GivenUp['reason']): void {
    for (const { period } of events) this.counters.drop(reason, 1, period);
  }

  /** Keeps events pending until each is stored as a dead letter. */
  async #toDeadLetters(
    letters: DeadLetterWriter,
    events: readonly WaitingEvent[],
    why: GivenUp,
  ): Promise<void> {
    const refused: WaitingEvent[] = [];
    const undelivered: WaitingEvent[] = [];
    const store = async (waiting: WaitingEvent): Promise<void> => {
      const end = await letters.store(this.#letterOf(waiting, why));
      if (end === 'stored') {
        this.counters.dead++;
        this.release([waiting], 'dead');
        this.options.onRoom();
      } else {
        (end === 'refused' ? refused : undelivered).push(waiting);
      }
    };
    await Promise.all(events.map(store));
    if (refused.length > 0) {
      this.options.log.letterLost(refused);
      this.#drop(refused, why);
    }
    if (undelivered.length > 0) this.leaveUndelivered(undelivered);
    this.options.onRoom();
  }

  #letterOf({ event, failures }: WaitingEvent, { reason, error }: GivenUp): DeadLetter {
    const { tracker, path } = this.options.position();
    const attempts = failures?.total ?? 0;
    const note = { tracker, path, error: describeError(error), attempts, time: new Date() };
    return { ...event, dead_letter: { ...note, reason: reason as 'rejected' | 'exhausted' } };
  }
}
