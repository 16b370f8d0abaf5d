import { createHash } from 'node:crypto';
import { isPlainObject, type EventData, type TrackingEvent } from '../../core/event/event.js';
import { dataFrom, parseTimestamp } from '../../core/event/serialize-event.js';

/** Keys of a tracking log that are not part of its context. */
const OWN_KEYS = new Set(['name', 'event_type', 'time', 'event', 'context']);

/** Whether a line has the shape of a tracking log of Open edX. */
export function isTrackingLog(value: Record<string, unknown>): boolean {
  const { event_type, event_source, time } = value;
  return typeof event_type === 'string' && time !== undefined && event_source !== undefined;
}

/**
 * Converts a tracking log of Open edX, which has `time` for `timestamp` and `event` for `data`, and
 * keeps much of the context beside it.
 *
 * @remarks The id depends on the content, so that an event that is replayed twice keeps its id.
 */
export function eventOfTrackingLog(value: Record<string, unknown>): TrackingEvent {
  const { name, event_type, time, event, context } = value;
  const beside = Object.entries(value).filter(([key]) => !OWN_KEYS.has(key));
  return {
    id: idOf(value),
    name: typeof name === 'string' && name !== '' ? name : String(event_type),
    timestamp: parseTimestamp(time),
    context: { ...Object.fromEntries(beside), ...(isPlainObject(context) ? context : {}) },
    data: dataOf(event),
  };
}

/** Events of browsers contain their data as JSON text, or as a form. */
function dataOf(event: unknown): EventData {
  if (typeof event !== 'string') return dataFrom(event);
  try {
    return dataFrom(JSON.parse(event));
  } catch {
    return dataFrom(event);
  }
}

/** Returns a UUIDv8 made of a hash of the content. */
function idOf(value: object): string {
  const hash = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  const variant = ((parseInt(hash[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
