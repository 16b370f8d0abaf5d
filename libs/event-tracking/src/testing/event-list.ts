import { nameOf, type TrackingEvent } from '../core/event/event.js';
import { writeValue, type WriteValue } from './write-value.js';

const MAX_LISTED = 20;
const MAX_LENGTH = 200;

/** Lists events for a message, names with data, the first twenty. */
export function listEvents(
  events: readonly TrackingEvent[],
  became: 'emitted' | 'recorded',
  write: WriteValue = writeValue,
): string {
  if (events.length === 0) return `Nothing was ${became}.`;
  const lines = events
    .slice(0, MAX_LISTED)
    .map((event, index) => `  ${index + 1}. ${describeEvent(event, write)}`);
  if (events.length > MAX_LISTED) lines.push(`  … and ${events.length - MAX_LISTED} more`);
  const heading = events.length === 1 ? '1 event was' : `${events.length} events were`;
  return [`${heading} ${became}:`, ...lines].join('\n');
}

/** Writes an event's name and data in one line. */
export function describeEvent(event: TrackingEvent, write: WriteValue): string {
  return shorten(`${nameOf(event)} ${write(event.data)}`);
}

/** Cuts what would not fit into a line. */
export function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
