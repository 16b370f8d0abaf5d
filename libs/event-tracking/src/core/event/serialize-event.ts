import { MalformedEventError } from '../diagnostics/errors.js';
import { describeValue } from '../diagnostics/describe.js';
import { isPlainObject, type TrackingEvent } from './event.js';
import { copyOf } from './snapshot.js';

/**
 * Writes an event as one line of JSON, its dates in RFC 3339 with milliseconds in UTC.
 *
 * @remarks
 * Newlines inside strings are escaped, so that no event can forge a second line. Never throws: an event to which a
 * processor added what JSON refuses (a circle, a bigint, a getter that throws) is written as its own data would be.
 */
export function serializeEvent(event: TrackingEvent): string {
  try {
    return JSON.stringify(event);
  } catch {
    return JSON.stringify(copyOf(event));
  }
}

/**
 * Reads an event that {@link serializeEvent} wrote.
 *
 * @throws {@link MalformedEventError} when the text is no JSON or no event.
 */
export function parseEvent(text: string): TrackingEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedEventError(`An event could not be read: the text is no JSON.`, { cause });
  }
  if (
    !isPlainObject(value) ||
    typeof value['id'] !== 'string' ||
    typeof value['name'] !== 'string'
  ) {
    throw new MalformedEventError(
      `An event could not be read: expected an object with the strings 'id' and 'name', received ${describeValue(value)}.`,
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
 * Reads a timestamp of RFC 3339 with 0 to 9 digits of a second's fraction, cut to milliseconds; a leap second is read
 * as the second after it.
 *
 * @throws {@link MalformedEventError} when the value is no such timestamp.
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
    `A timestamp could not be read: expected RFC 3339 such as 2013-09-12T12:55:00.123Z, received ${describeValue(value)}.`,
  );
}

/** Tells a day that there is: JavaScript takes the 30th of February for the 1st or 2nd of March. */
export function isDayOfCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
