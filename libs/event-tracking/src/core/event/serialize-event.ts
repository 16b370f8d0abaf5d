import { escapeUnprintable } from '../diagnostics/escape-unprintable.js';
import { MalformedEventError } from '../diagnostics/errors.js';
import { describeValue } from '../diagnostics/describe.js';
import { isPlainObject, type EventContext, type EventData, type TrackingEvent } from './event.js';
import { copyOf } from './snapshot.js';

/**
 * Writes an event as one line of JSON, with dates in RFC 3339, in UTC and milliseconds.
 *
 * @remarks
 * Line separators, control characters and bidirectional or zero-width characters inside strings are
 * escaped, so no event can forge a second line or the display of a terminal. Never throws: if a
 * processor added values that JSON rejects (a cycle, a bigint, a throwing getter), they are
 * converted as in emitted data.
 */
export function serializeEvent(event: TrackingEvent): string {
  return escapeUnprintable(jsonOf(event));
}

function jsonOf(event: TrackingEvent): string {
  try {
    return JSON.stringify(event);
  } catch {
    return JSON.stringify(copyOf(event));
  }
}

/**
 * Parses an event that {@link serializeEvent} wrote.
 *
 * @remarks Data that is not an object becomes `{ value }`, as in emitted events.
 * @throws {@link MalformedEventError} if the text is not JSON or not an event.
 */
export function parseEvent(text: string): TrackingEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedEventError('Cannot parse an event: the text is not valid JSON.', { cause });
  }
  return eventFrom(value);
}

/**
 * Returns the event that was written as a value of JSON.
 *
 * @throws {@link MalformedEventError} if it is not an event
 */
export function eventFrom(value: unknown): TrackingEvent {
  if (
    !isPlainObject(value) ||
    typeof value['id'] !== 'string' ||
    typeof value['name'] !== 'string'
  ) {
    throw new MalformedEventError(
      `Cannot parse an event: it must be an object with the strings 'id' and 'name'; ` +
        `received ${describeValue(value)}.`,
    );
  }
  return {
    ...value,
    id: value['id'],
    name: value['name'],
    timestamp: parseTimestamp(value['timestamp']),
    context: contextFrom(value['context']),
    data: dataFrom(value['data']),
  };
}

/** Returns the data of an event; values that are not objects become `{ value }`. */
export function dataFrom(value: unknown): EventData {
  if (isPlainObject(value)) return value;
  return value === undefined || value === null ? {} : { value };
}

function contextFrom(value: unknown): EventContext {
  if (isPlainObject(value)) return value;
  if (value === undefined || value === null) return {};
  throw new MalformedEventError(
    `Cannot parse an event: its context must be an object; received ${describeValue(value)}.`,
  );
}

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Parses an RFC 3339 timestamp with up to 9 fractional digits, which it cuts to milliseconds.
 *
 * @remarks A leap second is read as the second after it.
 * @throws {@link MalformedEventError} if the value is not such a timestamp.
 */
export function parseTimestamp(value: unknown): Date {
  const parts = typeof value === 'string' ? RFC_3339.exec(value) : null;
  if (parts !== null) {
    const [, date, time, fraction = '', offset] = parts;
    const milliseconds = fraction.slice(0, 3).padEnd(3, '0');
    const isLeap = time!.endsWith(':59:60');
    const known = isLeap ? time!.replace('60', '59') : time;
    const parsed = new Date(`${date}T${known}.${milliseconds}${offset!.toUpperCase()}`);
    if (!Number.isNaN(parsed.getTime()) && isDayOfCalendar(date!)) {
      if (!isLeap) return parsed;
      const second = new Date(parsed.getTime() + 1_000);
      if (second.getUTCHours() === 0 && second.getUTCMinutes() === 0) return second;
    }
  }
  throw new MalformedEventError(
    `Cannot parse a timestamp: it must be RFC 3339 such as 2013-09-12T12:55:00.123Z; ` +
      `received ${describeValue(value)}.`,
  );
}

/** Whether the day exists: JavaScript reads February 30 as March 1 or 2. */
export function isDayOfCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
