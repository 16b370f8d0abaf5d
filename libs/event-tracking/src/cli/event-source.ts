import type { TrackingEvent } from '../core/event/event.js';
import type { DeadLetter } from '../delivery/dead-letter.js';

/** A store or log of events. */
export interface EventSource {
  read(): AsyncIterable<TrackingEvent>;
  /** Removes dead letters. Missing from read-only sources. */
  remove?(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}
