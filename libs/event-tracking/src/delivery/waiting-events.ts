import type { TrackingEvent } from '../core/event/event.js';

/** An event on its way, with its estimated size in bytes. */
export interface WaitingEvent {
  readonly event: TrackingEvent;
  readonly size: number;
  /** Of an event that came from a queue: told when it has ended, and whether closing came before. */
  readonly ended?: (undelivered: boolean) => void;
  /** Whether the queue takes it back then. */
  readonly isKept?: boolean;
}

const SHORTEST_GAP = 1_024;

/** The events that wait to be sent, oldest first. */
export class WaitingEvents {
  #events: (WaitingEvent | undefined)[] = [];
  /** Where the oldest stands; before it is a gap, which is closed when it is worth the work. */
  #start = 0;
  #bytes = 0;

  get length(): number {
    return this.#events.length - this.#start;
  }

  /** What they take, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(event: WaitingEvent): void {
    this.#events.push(event);
    this.#bytes += event.size;
  }

  /** Takes the oldest events away, so many or all there are. */
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
