import type { TrackingEvent } from '../core/event/event.js';
import type { DeadLetter } from '../delivery/dead-letter.js';

/** Where events are taken from, and where they can be removed from. */
export interface EventSource {
  /** All that are there. */
  read(): AsyncIterable<TrackingEvent>;
  /** Takes dead letters out; not there where nothing is ever removed. */
  remove?(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}
