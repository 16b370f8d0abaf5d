import type { DropReason } from '../diagnostics/drop-reason.js';
import { currentPeriod, type PeriodRange } from '../event/periods.js';
import { LossLog, type Loss } from './loss-log.js';

/**
 * Counts the events that arrived at one node by their outcome.
 *
 * @remarks The numbers balance: arrived = delivered + filtered + the sum of dropped + dead + pending.
 */
export interface EventStats {
  /** Events that arrived at the node. */
  readonly arrived: number;
  /** Events that the destination accepted, or that a routing node passed to its children. */
  readonly delivered: number;
  /** Events that a processor or the backend decided not to deliver. */
  readonly filtered: number;
  /** Events that were lost, by reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Events that were given up and stored as dead letters. */
  readonly dead: number;
  /** Events whose delivery has not ended. */
  readonly pending: number;
  /** Repeated attempts to deliver an event; one event may count several times. */
  readonly retried: number;
}

/** The counters behind {@link EventStats}. */
export class EventCounters implements EventStats {
  arrived = 0;
  delivered = 0;
  filtered = 0;
  dead = 0;
  pending = 0;
  retried = 0;
  readonly dropped: Partial<Record<DropReason, number>> = {};
  #losses: LossLog | undefined;
  /** Those that the log of losses knows. */
  #internalErrors = 0;

  /** @param period - when the events arrived */
  drop(reason: DropReason, count = 1, period = currentPeriod()): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
    (this.#losses ??= new LossLog()).add(reason, count, period);
  }

  /** Returns how many events were lost of those that arrived within a range of periods. */
  lostWithin(range: PeriodRange): Loss[] {
    this.#logInternalErrors(Math.min(range.until, currentPeriod()));
    return this.#losses?.within(range) ?? [];
  }

  /** They are counted without a call, because the call stack may be exhausted. */
  #logInternalErrors(period: number): void {
    const { internal_error: total = 0 } = this.dropped;
    const count = total - this.#internalErrors;
    this.#internalErrors = total;
    if (count > 0) (this.#losses ??= new LossLog()).add('internal_error', count, period);
  }

  /** Returns the current numbers as a copy. */
  read(): EventStats {
    return {
      arrived: this.arrived,
      delivered: this.delivered,
      filtered: this.filtered,
      dropped: { ...this.dropped },
      dead: this.dead,
      pending: this.pending,
      retried: this.retried,
    };
  }
}
