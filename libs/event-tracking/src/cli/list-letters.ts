import { serializeEvent } from '../core/event/serialize-event.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';
import { matchesFilters } from './filters.js';

/** Prints one line per event and their number. */
export async function listLetters(options: CommandLine): Promise<number> {
  const source = await openSource(options);
  let count = 0;
  try {
    for await (const event of source.read()) {
      if (!matchesFilters(event, options.filters)) continue;
      count++;
      console.log(options.json ? serializeEvent(event) : summaryOf(event));
    }
  } finally {
    await source.close();
  }
  if (!options.json) console.log(`${count} ${count === 1 ? 'event' : 'events'}.`);
  return 0;
}

/** Summarises an event for people. A dead letter has a second line. */
export function summaryOf(event: TrackingEvent): string {
  const summary = `${event.timestamp.toISOString()}  ${event.id}  ${event.name}`;
  if (!isDeadLetter(event)) return summary;
  const { tracker, path, reason, attempts, error } = event.dead_letter;
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${summary}\n    ${reason} by ${path} of the tracker ${tracker} (${tries}): ${error}`;
}
