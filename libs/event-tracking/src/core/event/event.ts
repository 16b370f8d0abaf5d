import { isDate } from '../diagnostics/built-in.js';
import { describeValue } from '../diagnostics/describe.js';

/** The merged context that an event carries: the situation in which it happened. */
export type EventContext = Record<string, unknown>;

/** The data that the emitting code passed with the event. */
export type EventData = Record<string, unknown>;

/**
 * An event as processors and backends receive it: a plain object that JSON and BSON can represent.
 *
 * @remarks
 * Every receiver owns its copy. Only the processors and backends after it in the same chain see its
 * changes.
 */
export interface TrackingEvent {
  /** A UUIDv7, increasing within the process: the idempotency key at every destination. */
  id: string;
  /** The name of the event, in dot notation: `course.enrolled`. */
  name: string;
  /** When `emit` was called, in UTC with millisecond precision. */
  timestamp: Date;
  /** All contexts entered around the emitting code, merged. */
  context: EventContext;
  /** The data that the emitting code passed. */
  data: EventData;
  /** The id of the metadata record of the event's type, if the type is registered. */
  name_id?: string;
  /** The id of the metadata record of the entered contexts, if they have types. */
  context_type_id?: string;
}

/** Whether a value has the shape of an event; never throws. */
export function isTrackingEvent(value: unknown): value is TrackingEvent {
  try {
    const candidate = value as Partial<TrackingEvent> | null | undefined;
    return (
      typeof candidate === 'object' &&
      candidate !== null &&
      typeof candidate.id === 'string' &&
      typeof candidate.name === 'string' &&
      isDate(candidate.timestamp) &&
      isPlainObject(candidate.context) &&
      isPlainObject(candidate.data)
    );
  } catch {
    return false;
  }
}

/** Returns the name of an event for messages, even after a processor broke it; never throws. */
export function nameOf(event: TrackingEvent): string {
  try {
    const name: unknown = event.name;
    return typeof name === 'string' ? name : describeValue(name);
  } catch {
    return 'without a name';
  }
}

/** Whether a value is an object of keys and values, not an array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
