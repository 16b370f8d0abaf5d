import { isDate } from '../core/diagnostics/built-in.js';
import { PermanentDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf, setOwn } from '../core/event/snapshot.js';

export interface TruncatedEvent extends TrackingEvent {
  truncated: true;
}

/** The lengths to which the attempts cut strings and lists, in this order. */
const MAX_LENGTHS = [4096, 1024, 256, 64, 16, 4];
const MAX_NAME_LENGTH = 32;

/**
 * Truncates an event until its line fits: shortens strings and lists, then removes data and
 * context.
 *
 * @throws {@link PermanentDeliveryError} if `serialize` adds so much that even an empty event is
 * too large
 */
export function truncateEvent(
  event: TrackingEvent,
  limit: number,
  serialize: (event: TrackingEvent) => string,
): { event: TruncatedEvent; line: string } {
  // Copied, because a processor may have added endless values or values with `toJSON`.
  for (const candidate of truncatedVersionsOf(copyOf(event))) {
    const line = serialize(candidate);
    if (Buffer.byteLength(line) <= limit) return { event: candidate, line };
  }
  throw new PermanentDeliveryError(
    `The event '${event.name}' cannot be truncated to maxEventSize (${limit} bytes): its line is ` +
      `too large even without data and context.`,
  );
}

function* truncatedVersionsOf(event: TrackingEvent): Generator<TruncatedEvent> {
  for (const length of MAX_LENGTHS) {
    yield {
      ...(shorten(event, length) as TrackingEvent),
      id: event.id,
      name: event.name,
      truncated: true,
    };
  }
  const { id, timestamp } = event;
  yield { id, name: event.name, timestamp, context: {}, data: {}, truncated: true };
  yield {
    id,
    name: event.name.slice(0, MAX_NAME_LENGTH),
    timestamp,
    context: {},
    data: {},
    truncated: true,
  };
  // A character can take several bytes, so that even the shortened name may not fit.
  yield { id, name: '', timestamp, context: {}, data: {}, truncated: true };
}

function shorten(value: unknown, length: number): unknown {
  if (typeof value === 'string')
    return value.length > length ? `${value.slice(0, length)}…` : value;
  if (typeof value !== 'object' || value === null || isDate(value)) return value;
  if (Array.isArray(value)) return value.slice(0, length).map((member) => shorten(member, length));
  const shortened: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value).slice(0, Math.max(length, 8))) {
    setOwn(shortened, key.slice(0, Math.max(length, 16)), shorten(member, length));
  }
  return shortened;
}
