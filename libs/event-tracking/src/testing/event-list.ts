import { nameOf, type TrackingEvent } from '../core/event/event.js';
import { writeValue, type WriteValue } from './write-value.js';

const MAX_LISTED = 20;
const MAX_LENGTH = 200;

/** Lists the first twenty events for a message, with their names and data. */
export function listEvents(
  events: readonly TrackingEvent[],
  verb: 'emitted' | 'recorded',
  write: WriteValue = writeValue,
): string {
  if (events.length === 0) return `Nothing was ${verb}.`;
  const lines = events
    .slice(0, MAX_LISTED)
    .map((event, index) => `  ${index + 1}. ${formatEvent(event, write)}`);
  if (events.length > MAX_LISTED) lines.push(`  … and ${events.length - MAX_LISTED} more`);
  const heading = events.length === 1 ? '1 event was' : `${events.length} events were`;
  return [`${heading} ${verb}:`, ...lines].join('\n');
}

/** Formats the name and the data of an event on one line. */
export function formatEvent(event: TrackingEvent, write: WriteValue): string {
  return shorten(`${nameOf(event)} ${write(event.data)}`);
}

/** Cuts a text to the length of a line. */
export function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
