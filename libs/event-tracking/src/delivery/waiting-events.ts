import type { TrackingEvent } from '../core/event/event.js';
import type { Retryability } from './attempt-result.js';

/**
 * How an event ended at a destination; `undelivered` when closing came first, `deferred` when the destination held up
 * others.
 */
export type EventEnd = 'delivered' | 'filtered' | 'dropped' | 'dead' | 'undelivered' | 'deferred';

/** An event on its way to a destination. */
export interface WaitingEvent {
  readonly event: TrackingEvent;
  /** Estimated, in bytes. */
  readonly size: number;
  /** By the monotonic clock, in milliseconds; 0 where no age is limited. */
  readonly arrivedAt: number;
  /** In which it arrived. */
  readonly period: number;
  /** Called when the event ends, where somebody waits for that. */
  onEnd?: (end: EventEnd) => void;
  /** Whether a queue takes the event back when closing leaves it undelivered. */
  readonly isKept?: boolean;
  /** Whether it is a dead letter, which is sent until it is stored. */
  readonly isDeadLetter?: boolean;
  failures?: FailureHistory;
  hasEnded?: boolean;
}

/** The failed attempts to deliver an event. */
export interface FailureHistory {
  total: number;
  kind: Retryability | undefined;
  /** Those of this kind since the last one of another. */
  inARow: number;
}

/** @param kind - left out for the failure of a whole batch that is isolated, which counts against no limit */
export function recordFailure(waiting: WaitingEvent, kind?: Retryability): void {
  const failures = (waiting.failures ??= { total: 0, kind: undefined, inARow: 0 });
  failures.total++;
  if (kind === undefined) return;
  failures.inARow = failures.kind === kind ? failures.inARow + 1 : 1;
  failures.kind = kind;
}

const SHORTEST_GAP = 1_024;

/** Holds the events that wait to be sent, oldest first. */
export class WaitingEvents {
  #events: (WaitingEvent | undefined)[] = [];
  /** The index of the oldest event. The gap before it is closed when that is worth the work. */
  #start = 0;
  #bytes = 0;

  get length(): number {
    return this.#events.length - this.#start;
  }

  /** Their estimated size, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns all events, oldest first. */
  get all(): WaitingEvent[] {
    return this.#events.slice(this.#start) as WaitingEvent[];
  }

  add(event: WaitingEvent): void {
    this.#events.push(event);
    this.#bytes += event.size;
  }

  takeIf(condition: (event: WaitingEvent) => boolean): WaitingEvent[] {
    const events = this.take(this.length);
    const taken = events.filter(condition);
    for (const event of events) if (!condition(event)) this.add(event);
    return taken;
  }

  /** Removes and returns the oldest events, at most `count`. */
  take(count: number): WaitingEvent[] {
    const end = Math.min(this.#start + count, this.#events.length);
    const taken = this.#events.slice(this.#start, end) as WaitingEvent[];
    this.#events.fill(undefined, this.#start, end);
    this.#start = end;
    this.#closeGap();
    for (const { size } of taken) this.#bytes -= size;
    return taken;
  }

  #closeGap(): void {
    if (this.#start === this.#events.length) {
      this.#events = [];
      this.#start = 0;
    } else if (this.#start >= SHORTEST_GAP && this.#start * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }
}
