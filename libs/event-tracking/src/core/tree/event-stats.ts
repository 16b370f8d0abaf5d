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

/**
 * Why an event was lost.
 *
 * - `failed`: the backend threw or rejected, and has no retries
 * - `rejected`: the destination rejected the event permanently
 * - `exhausted`: all allowed attempts failed
 * - `overflow`: the queue in front of the destination was full
 * - `undelivered`: delivery had not ended when the deadline for closing expired
 * - `filter_failed`: a filter threw, and filters fail closed
 * - `closed`: the tracker had been closed
 * - `startup_overflow`: too many events were emitted before the tree was ready
 * - `recursion`: creating or delivering an event emitted another event, in a cycle
 * - `internal_error`: the event could not be created
 */
export type DropReason =
  | 'failed'
  | 'rejected'
  | 'exhausted'
  | 'overflow'
  | 'undelivered'
  | 'filter_failed'
  | 'closed'
  | 'startup_overflow'
  | 'recursion'
  | 'internal_error';

/** The counters behind {@link EventStats}. */
export class EventCounters implements EventStats {
  arrived = 0;
  delivered = 0;
  filtered = 0;
  dead = 0;
  pending = 0;
  retried = 0;
  readonly dropped: Partial<Record<DropReason, number>> = {};

  drop(reason: DropReason, count = 1): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
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
