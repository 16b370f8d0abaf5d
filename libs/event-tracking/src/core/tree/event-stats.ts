/**
 * What became of the events that arrived at one place.
 *
 * @remarks The account balances: arrived = delivered + filtered + the sum of dropped + dead + pending.
 */
export interface EventStats {
  /** Events that came here. */
  readonly arrived: number;
  /** Events that the destination took, or that a routing node passed on to its children. */
  readonly delivered: number;
  /** Events that a processor, or the backend itself, decided not to deliver. */
  readonly filtered: number;
  /** Events that were lost, by reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Events that were given up and kept by the dead-letter destination. */
  readonly dead: number;
  /** Events whose delivery is under way. */
  readonly pending: number;
  /** How often the delivery of an event was tried again; an event may be counted several times. */
  readonly retried: number;
}

/**
 * Why an event was lost.
 *
 * - `failed`: the backend threw or rejected, and delivery was not to be tried again
 * - `rejected`: the destination refused the event for good
 * - `exhausted`: delivery was tried as often as was allowed
 * - `overflow`: more events were waiting than may wait
 * - `undelivered`: delivery had not ended when the time for closing was over
 * - `filter_failed`: a filter threw, so the event was dropped to be safe
 * - `closed`: the tracker had been closed
 * - `startup_overflow`: more events than can be held came before the tree stood
 * - `recursion`: making or delivering an event emitted another one, again and again
 * - `internal_error`: the event could not be made
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

/** An {@link EventStats} while it is kept. */
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

  /** A copy as of now. */
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
