import { NativeDate } from '../diagnostics/built-in.js';
import { isoOf, toJson } from './json.js';
import { MalformedEventError } from '../diagnostics/errors.js';
import { describeValue } from '../diagnostics/describe.js';
import { isPlainObject, type TrackingEvent } from './event.js';
import { copyOf } from './snapshot.js';

/**
 * Writes an event as one line of JSON, with dates in RFC 3339, in UTC and milliseconds.
 *
 * @remarks
 * Newlines inside strings are escaped, so no event can forge a second line. Never throws: if a
 * processor added values that JSON rejects (a cycle, a bigint, a throwing getter), they are
 * converted as in emitted data.
 */
export function serializeEvent(event: TrackingEvent): string {
  try {
    return toJson(event);
  } catch {
    return toJson(copyOf(event));
  }
}

/**
 * Parses an event that {@link serializeEvent} wrote.
 *
 * @throws {@link MalformedEventError} if the text is not JSON or not an event.
 */
export function parseEvent(text: string): TrackingEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedEventError('Cannot parse an event: the text is not valid JSON.', { cause });
  }
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
    context: isPlainObject(value['context']) ? value['context'] : {},
    data: isPlainObject(value['data']) ? value['data'] : {},
  };
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
    const parsed = new NativeDate(`${date}T${known}.${milliseconds}${offset!.toUpperCase()}`);
    if (!Number.isNaN(parsed.getTime()) && isDayOfCalendar(date!)) {
      if (!isLeap) return parsed;
      const second = new NativeDate(parsed.getTime() + 1_000);
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
  return isoOf(new NativeDate(`${date}T00:00:00Z`)).startsWith(date);
}
