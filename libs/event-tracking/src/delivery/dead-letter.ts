import { isPlainObject, type TrackingEvent } from '../core/event/event.js';
import { unpackEvent, type PackedEvent } from '../core/tree/packed-event.js';

/** Why an event was given up; the destination for dead letters gets it with the event. */
export interface DeadLetterNote {
  /** The tracker that the event was emitted through. */
  tracker: string;
  /** The backend that it was to reach. */
  path: string;
  /** `rejected`: refused for good; `exhausted`: tried as often as was allowed. */
  reason: 'rejected' | 'exhausted';
  /** The error of the last attempt. */
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

/** Reads a packed dead letter; undefined for any other value. */
export function letterIn(packed: PackedEvent): DeadLetter | undefined {
  try {
    const letter = unpackEvent(packed);
    return isDeadLetter(letter) && isPlainObject(letter.dead_letter) ? letter : undefined;
  } catch {
    return undefined;
  }
}

/** Tells dead letters of one event apart, which several backends may have given up. */
export function deadLetterKey({ id, dead_letter: { tracker, path } }: DeadLetter): string {
  return `${id}@${tracker}/${path}`;
}

/** The event as it was to be delivered. */
export function withoutNote(event: TrackingEvent): TrackingEvent {
  const { dead_letter: _, ...original } = event as DeadLetter;
  return original;
}

/** Holds dead letters until an operator replays or purges them. */
export interface DeadLetterStore {
  /** All that are there, the oldest first. */
  read(): AsyncIterable<DeadLetter>;
  /** Takes out letters that {@link read} has given. */
  remove(letters: readonly DeadLetter[]): Promise<void>;
  /** Lets go of connections. */
  close(): Promise<void>;
}
