import { isPlainObject, type TrackingEvent } from '../core/event/event.js';
import { unpackEvent, type PackedEvent } from '../core/tree/packed-event.js';

/** The reason for which an event was given up, stored with the event. */
export interface DeadLetterNote {
  /** The tracker that the event was emitted through. */
  tracker: string;
  /** The path of the backend that should have received the event. */
  path: string;
  /** `rejected`: the destination rejected it permanently; `exhausted`: all allowed attempts failed. */
  reason: 'rejected' | 'exhausted';
  /** The error of the last attempt. */
  error: string;
  /** The number of attempts. */
  attempts: number;
  /** When the event was given up. */
  time: Date;
}

/** An event whose delivery was given up, with the reason. */
export interface DeadLetter extends TrackingEvent {
  dead_letter: DeadLetterNote;
}

/** Whether an event is a dead letter. */
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

/** Returns a key that differs between dead letters of one event, which several backends may give up. */
export function deadLetterKey({ id, dead_letter: { tracker, path } }: DeadLetter): string {
  return `${id}@${tracker}/${path}`;
}

/** Returns the event without the note of its dead letter. */
export function withoutNote(event: TrackingEvent): TrackingEvent {
  const { dead_letter: _, ...original } = event as DeadLetter;
  return original;
}

/** Holds dead letters until an operator replays or purges them. */
export interface DeadLetterStore {
  /** Yields all stored dead letters, oldest first. */
  read(): AsyncIterable<DeadLetter>;
  /** Removes letters that {@link read} has yielded. */
  remove(letters: readonly DeadLetter[]): Promise<void>;
  /** Closes connections. */
  close(): Promise<void>;
}
