import { MalformedEventError } from '../diagnostics/errors.js';
import { isPlainObject, isTrackingEvent, type TrackingEvent } from './event.js';
import { isMetadataRecord, type MetadataRecord } from '../event-types/metadata-record.js';
import { copyOf, setOwn } from './snapshot.js';

/** Marks a date that was written as text. */
const DATE = '$date';
/** Marks an object that has one of these marks as a key of its own. */
const PLAIN = '$plain';

/** An event in a form that JSON can hold and that comes out of it as it went in, its dates as dates. */
export type PackedEvent = unknown;

/**
 * Makes an event ready to be stored as JSON by somebody else; never throws.
 *
 * @remarks What needs no change is not copied: it is the caller's to leave alone until it is stored.
 */
export function packEvent(event: TrackingEvent): PackedEvent {
  try {
    return pack(event);
  } catch {
    return pack(copyOf(event));
  }
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

/** Makes a metadata record ready to be stored in the same way. */
export function packMetadata(record: MetadataRecord): PackedEvent {
  return pack(copyOf(record));
}

/**
 * Reads what {@link packMetadata} made.
 *
 * @throws {@link MalformedEventError} when it is no metadata record
 */
export function unpackMetadata(packed: PackedEvent): MetadataRecord {
  const record = unpack(packed);
  if (isMetadataRecord(record)) return record;
  throw new MalformedEventError('A queued metadata record could not be read: it is none.');
}

/** @throws something for what JSON cannot say */
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
      if (value instanceof Date) return { [DATE]: textOf(value) };
  }
  throw new TypeError('JSON cannot say this.');
}

let lastTime = NaN;
let lastText = '';

/** Events come many in a millisecond: its text, which costs as much as all the rest, is made once. */
function textOf(date: Date): string {
  const time = date.getTime();
  if (time !== lastTime) {
    lastText = date.toISOString();
    lastTime = time;
  }
  return lastText;
}

function packList(list: readonly unknown[]): unknown {
  const packed = list.map(pack);
  return packed.every((each, index) => each === list[index]) ? list : packed;
}

function packObject(record: Record<string, unknown>): unknown {
  let packed: Record<string, unknown> | undefined;
  let isMarked = false;
  // The engine reads members fastest where the loop over the keys reads them itself.
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue;
    if (key === DATE || key === PLAIN) isMarked = true;
    const value = record[key];
    if (typeof value === 'string') continue;
    const member = pack(value);
    if (member === value) continue;
    packed ??= { ...record };
    setOwn(packed, key, member);
  }
  return isMarked ? { [PLAIN]: packed ?? record } : (packed ?? record);
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isPlainObject(value)) return value;
  if (typeof value[DATE] === 'string') return new Date(value[DATE]);
  return unpackMembers(isPlainObject(value[PLAIN]) ? value[PLAIN] : value);
}

function unpackMembers(value: Record<string, unknown>): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(members, key, unpack(value[key]));
  return members;
}
