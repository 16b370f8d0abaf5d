import { MalformedEventError } from './errors.js';
import { isRecord, isTrackingEvent, type TrackingEvent } from './event.js';
import { copyOf, setOwn } from './snapshot.js';

/** Marks a date that was written as text. */
const DATE = '$date';
/** Marks an object that has one of these marks as a key of its own. */
const PLAIN = '$plain';

/** An event in a form that JSON can hold and that comes out of it as it went in, its dates as dates. */
export type PackedEvent = unknown;

/** Makes an event ready to be stored as JSON by somebody else; never throws. */
export function packEvent(event: TrackingEvent): PackedEvent {
  return pack(copyOf(event));
}

/**
 * Reads what {@link packEvent} made.
 *
 * @throws {@link MalformedEventError} when it is no event
 */
export function unpackEvent(packed: PackedEvent): TrackingEvent {
  const event = unpack(packed);
  if (isTrackingEvent(event)) return event;
  throw new MalformedEventError('A queued event could not be read: it is no event.');
}

function pack(value: unknown): unknown {
  if (value instanceof Date) return { [DATE]: value.toISOString() };
  if (Array.isArray(value)) return value.map(pack);
  if (!isRecord(value)) return value;
  const packed: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(packed, key, pack(value[key]));
  return DATE in value || PLAIN in value ? { [PLAIN]: packed } : packed;
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isRecord(value)) return value;
  if (typeof value[DATE] === 'string') return new Date(value[DATE]);
  return unpackMembers(isRecord(value[PLAIN]) ? value[PLAIN] : value);
}

function unpackMembers(value: Record<string, unknown>): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(members, key, unpack(value[key]));
  return members;
}
