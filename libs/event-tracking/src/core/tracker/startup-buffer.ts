import type { TrackingEvent } from '../event/event.js';

/** Keeps the events that were emitted before a tracker's tree stood, bounded. */
export class StartupBuffer {
  #events: TrackingEvent[] = [];

  constructor(readonly capacity = 10_000) {}

  get size(): number {
    return this.#events.length;
  }

  /** Keeps an event; false when there is no room. */
  hold(event: TrackingEvent): boolean {
    if (this.#events.length >= this.capacity) return false;
    this.#events.push(event);
    return true;
  }

  /** Gives back all events, oldest first, and keeps none. */
  release(): TrackingEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
