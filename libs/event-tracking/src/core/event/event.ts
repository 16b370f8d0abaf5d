import { describeValue } from '../diagnostics/describe.js';

/** The merged context that an event carries: what was known about the situation it happened in. */
export type EventContext = Record<string, unknown>;

/** What the emitting code said about the event. */
export type EventData = Record<string, unknown>;

/**
 * An event as processors and backends receive it: a plain object of values that JSON and BSON can hold.
 *
 * @remarks
 * Every receiver owns its copy: changing it is seen by nobody else, save by the processors and backends
 * that come after it in the same chain.
 */
export interface TrackingEvent {
  /** A UUIDv7, increasing within the process: the idempotency key at every destination. */
  id: string;
  /** What happened, in dot notation: `course.enrolled`. */
  name: string;
  /** When `emit` was called, in UTC with millisecond precision. */
  timestamp: Date;
  /** All contexts that were entered where the event was emitted, merged. */
  context: EventContext;
  /** What the emitting code passed. */
  data: EventData;
  /** Refers to the metadata record of the event's type, where the type was registered. */
  name_id?: string;
  /** Refers to the metadata record of the entered contexts, where those were described. */
  context_type_id?: string;
}

/** Tells whether a value has the shape of an event; never throws. */
export function isTrackingEvent(value: unknown): value is TrackingEvent {
  try {
    const candidate = value as Partial<TrackingEvent> | null | undefined;
    return (
      typeof candidate === 'object' &&
      candidate !== null &&
      typeof candidate.id === 'string' &&
      typeof candidate.name === 'string' &&
      candidate.timestamp instanceof Date &&
      isPlainObject(candidate.context) &&
      isPlainObject(candidate.data)
    );
  } catch {
    return false;
  }
}

/** How messages name an event, whatever a processor has made of it; never throws. */
export function nameOf(event: TrackingEvent): string {
  try {
    const name: unknown = event.name;
    return typeof name === 'string' ? name : describeValue(name);
  } catch {
    return 'without a name';
  }
}

/** Tells whether a value is an object of keys and values, and no array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
