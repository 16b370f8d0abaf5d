import type { TrackingEvent } from '../core/event.js';

/** Why an event was given up; the destination for dead letters gets it with the event. */
export interface DeadLetterNote {
  /** The tracker that the event was emitted through. */
  tracker: string;
  /** The backend that it was to reach. */
  path: string;
  /** `rejected`: refused for good; `exhausted`: tried as often as was allowed. */
  reason: 'rejected' | 'exhausted';
  /** What the last attempt ended with. */
  error: string;
  /** How often delivery was tried. */
  attempts: number;
  /** When it was given up. */
  time: Date;
}

/** An event whose delivery was given up, with the reason. */
export interface DeadLetter extends TrackingEvent {
  dead_letter: DeadLetterNote;
}

/** Tells a dead letter from an event that is on its way. */
export function isDeadLetter(event: TrackingEvent): event is DeadLetter {
  return 'dead_letter' in event;
}
