import type { TrackingEvent } from '../event/event.js';

/** Holds events emitted before a tracker's tree was attached, up to a limit. */
export class StartupBuffer {
  #events: TrackingEvent[] = [];

  constructor(readonly capacity = 10_000) {}

  get size(): number {
    return this.#events.length;
  }

  /** Adds an event; returns false if the buffer is full. */
  hold(event: TrackingEvent): boolean {
    if (this.#events.length >= this.capacity) return false;
    this.#events.push(event);
    return true;
  }

  /** Removes and returns all events, oldest first. */
  release(): TrackingEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
