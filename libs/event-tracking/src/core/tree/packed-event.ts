import { isDate, NativeDate } from '../diagnostics/built-in.js';
import { isoOf, toJsonOf } from '../event/json.js';
import { MalformedEventError } from '../diagnostics/errors.js';
import { isPlainObject, isTrackingEvent, type TrackingEvent } from '../event/event.js';
import { isMetadataRecord, type MetadataRecord } from '../event-types/metadata-record.js';
import { copyOf, setOwn } from '../event/snapshot.js';

const DATE = '$date';
/** Marks an object that itself has one of these marks as a key. */
const PLAIN = '$plain';

/** An event that survives a round trip through JSON unchanged, with its dates as dates. */
export type PackedEvent = unknown;

/**
 * Packs an event so that a store can write it as JSON; never throws.
 *
 * @remarks
 * Values that need no conversion are shared, not copied: do not mutate the event until it is stored.
 */
export function packEvent(event: TrackingEvent): PackedEvent {
  try {
    return pack(event);
  } catch {
    return pack(copyOf(event));
  }
}

/**
 * Reads an event that {@link packEvent} packed.
 *
 * @throws {@link MalformedEventError} if the value is not an event
 */
export function unpackEvent(packed: PackedEvent): TrackingEvent {
  const event = unpack(packed);
  if (isTrackingEvent(event)) return event;
  throw new MalformedEventError('Cannot read a queued event: the value is not an event.');
}

export function packMetadata(record: MetadataRecord): PackedEvent {
  return pack(copyOf(record));
}

/**
 * Reads a metadata record that {@link packMetadata} packed.
 *
 * @throws {@link MalformedEventError} if the value is not a metadata record
 */
export function unpackMetadata(packed: PackedEvent): MetadataRecord {
  const record = unpack(packed);
  if (isMetadataRecord(record)) return record;
  throw new MalformedEventError(
    'Cannot read a queued metadata record: the value is not a metadata record.',
  );
}

/** @throws if JSON cannot represent the value */
function pack(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'object':
      if (value === null) return value;
      if (Array.isArray(value)) return packList(value);
      if (isPlain(value)) return packObject(value);
      if (isDate(value)) return { [DATE]: textOf(value) };
  }
  throw new TypeError('JSON cannot represent this value.');
}

let lastTime = NaN;
let lastText = '';

/** Caches the last text: many events share a millisecond, and the text costs as much as the rest. */
function textOf(date: Date): string {
  const time = date.getTime();
  if (time !== lastTime) {
    lastText = isoOf(date);
    lastTime = time;
  }
  return lastText;
}

function packList(list: readonly unknown[]): unknown {
  const packed = list.map(pack);
  return packed.every((each, index) => each === list[index]) ? list : packed;
}

function packObject(object: Record<string, unknown>): unknown {
  let packed: Record<string, unknown> | undefined;
  let isMarked = false;
  // V8 reads members fastest inside the `for…in` loop itself.
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue;
    if (key === DATE || key === PLAIN) isMarked = true;
    const value = object[key];
    if (typeof value === 'string') continue;
    const member = pack(value);
    if (member === value) continue;
    packed ??= { ...object };
    setOwn(packed, key, member);
  }
  return isMarked ? { [PLAIN]: packed ?? object } : (packed ?? object);
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return toJsonOf(value) === undefined;
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isPlainObject(value)) return value;
  if (typeof value[DATE] === 'string') return new NativeDate(value[DATE]);
  return unpackMembers(isPlainObject(value[PLAIN]) ? value[PLAIN] : value);
}

function unpackMembers(value: Record<string, unknown>): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(members, key, unpack(value[key]));
  return members;
}
