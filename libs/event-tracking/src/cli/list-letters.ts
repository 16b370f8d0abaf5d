import { serializeEvent } from '../core/event/serialize-event.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';
import { matches } from './matches.js';

/** Prints what is there: a line for each event, and how many there are. */
export async function listLetters(line: CommandLine): Promise<number> {
  const source = await openSource(line);
  let count = 0;
  try {
    for await (const event of source.read()) {
      if (!matches(event, line.filters)) continue;
      count++;
      console.log(line.json ? serializeEvent(event) : summaryOf(event));
    }
  } finally {
    await source.close();
  }
  if (!line.json) console.log(`${count} ${count === 1 ? 'event' : 'events'}.`);
  return 0;
}

/** An event in a line that people read. */
export function summaryOf(event: TrackingEvent): string {
  const what = `${event.timestamp.toISOString()}  ${event.id}  ${event.name}`;
  if (!isDeadLetter(event)) return what;
  const { tracker, path, reason, attempts, error } = event.dead_letter;
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${what}\n    ${reason} by ${path} of the tracker ${tracker} (${tries}): ${error}`;
}
