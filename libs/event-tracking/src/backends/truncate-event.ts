import { PermanentDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf, setOwn } from '../core/event/snapshot.js';

/** An event that was cut. */
export interface TruncatedEvent extends TrackingEvent {
  truncated: true;
}

/** How much is left of each string, and of each list, in one attempt after the other. */
const ATTEMPTS = [4096, 1024, 256, 64, 16, 4];
const MAX_NAME_LENGTH = 32;

/**
 * Cuts an event until its line fits: long strings and lists get shorter first, then data and context go.
 *
 * @throws {@link PermanentDeliveryError} when not even the bare event fits, because `serialize` adds that much
 */
export function truncateEvent(
  event: TrackingEvent,
  limit: number,
  serialize: (event: TrackingEvent) => string,
): { event: TruncatedEvent; line: string } {
  // What a processor added may be endless, or say by itself what its JSON is.
  for (const candidate of shorterVersionsOf(copyOf(event))) {
    const line = serialize(candidate);
    if (Buffer.byteLength(line) <= limit) return { event: candidate, line };
  }
  throw new PermanentDeliveryError(
    `The event '${event.name}' cannot be cut to maxEventSize (${limit} bytes): its line is larger even without data.`,
  );
}

function* shorterVersionsOf(event: TrackingEvent): Generator<TruncatedEvent> {
  for (const length of ATTEMPTS) {
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
  // The name's first characters may take several bytes each, and still be too many.
  yield { id, name: '', timestamp, context: {}, data: {}, truncated: true };
}

function shorten(value: unknown, length: number): unknown {
  if (typeof value === 'string')
    return value.length > length ? `${value.slice(0, length)}…` : value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.slice(0, length).map((member) => shorten(member, length));
  const shortened: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value).slice(0, Math.max(length, 8))) {
    setOwn(shortened, key.slice(0, Math.max(length, 16)), shorten(member, length));
  }
  return shortened;
}
