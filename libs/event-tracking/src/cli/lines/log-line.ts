import { MalformedEventError } from '../../core/diagnostics/errors.js';
import { isPlainObject, type TrackingEvent } from '../../core/event/event.js';
import { eventFrom, parseTimestamp } from '../../core/event/serialize-event.js';
import { isDeadLetter } from '../../delivery/dead-letter.js';
import { eventOfTrackingLog, isTrackingLog } from './tracking-log.js';

/** The content of a line of a log. */
export type LogEntry =
  | { readonly kind: 'event'; readonly event: TrackingEvent }
  | { readonly kind: 'record'; readonly record: unknown }
  /** A message that the application logged about something else. */
  | { readonly kind: 'message' };

type Fields = Record<string, unknown>;

// oxlint-disable-next-line no-control-regex -- Nest colours its prefix with escape sequences
const COLOURS = /\u001b\[[\d;]*m/g;
/** Matches a message with the additions of Nest's logger and of Python's log formatters. */
const DECORATED = /^[^{]{0,500}?(\{.*\})(?:\s+\+\d+ms)?\s*$/s;

const NEST_MESSAGE = /^\[[^\]]{1,100}\] \d+ +- [^{]*$/;

/**
 * Reads a line: an event as `serializeEvent` writes it, a line that a logger wrote of one, or a
 * tracking log of Open edX.
 *
 * @throws {@link MalformedEventError} if the line is neither an event nor a logged message
 */
export function readLogLine(text: string): LogEntry {
  const value = parse(text);
  if (value === undefined) return { kind: 'message' };
  if (!isPlainObject(value)) return eventEntry(value);
  return contentOf(value) ?? contentOfMessage(value) ?? eventEntry(value);
}

function contentOf(value: Fields): LogEntry | undefined {
  const { event, metadata_record: record } = value;
  if (isEventLike(value)) return eventEntry(value);
  if (record !== undefined) return { kind: 'record', record };
  if (isPlainObject(event) && isEventLike(event)) return eventEntry(event);
  if (isTrackingLog(value)) return { kind: 'event', event: eventOfTrackingLog(value) };
  return undefined;
}

/** Reads what Nest's JSON logger, pino and winston write: the line, or the object, is the message. */
function contentOfMessage(value: Fields): LogEntry | undefined {
  if (value['level'] === undefined) return undefined;
  for (const key of ['message', 'msg']) {
    const message = value[key];
    const inner = typeof message === 'string' ? tryParse(message) : message;
    const content = isPlainObject(inner) ? contentOf(inner) : undefined;
    if (content !== undefined) return content;
  }
  return { kind: 'message' };
}

function isEventLike({ id, name, timestamp }: Fields): boolean {
  return typeof id === 'string' && typeof name === 'string' && timestamp !== undefined;
}

function eventEntry(value: unknown): LogEntry {
  const event = eventFrom(value);
  if (!isDeadLetter(event)) return { kind: 'event', event };
  const note: unknown = event.dead_letter;
  if (!isPlainObject(note)) {
    throw new MalformedEventError('Cannot parse a dead letter: dead_letter must be an object.');
  }
  Object.assign(event, { dead_letter: { ...note, time: parseTimestamp(note['time']) } });
  return { kind: 'event', event };
}

/** Returns undefined for a message of Nest's logger that contains no JSON. */
function parse(text: string): unknown {
  const value = tryParse(text);
  if (value !== undefined) return value;
  const [, json] = DECORATED.exec(text.replaceAll(COLOURS, '')) ?? [];
  const decorated = json === undefined ? undefined : tryParse(json);
  if (decorated !== undefined) return decorated;
  if (NEST_MESSAGE.test(text.replaceAll(COLOURS, ''))) return undefined;
  throw new MalformedEventError('Cannot parse an event: the text is not valid JSON.');
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
