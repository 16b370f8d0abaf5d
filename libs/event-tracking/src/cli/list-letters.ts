import { serializeEvent } from '../core/event/serialize-event.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';
import { matchesFilters } from './filters.js';
import { isOutputClosed, printLine, printText } from './output.js';
import { Problems } from './problems.js';

/** Prints one line per event and their number. */
export async function listLetters(options: CommandLine): Promise<number> {
  const problems = new Problems();
  const source = await openSource(options, problems);
  let count = 0;
  try {
    for await (const event of source.read()) {
      if (isOutputClosed()) break;
      if (!matchesFilters(event, options.filters)) continue;
      count++;
      if (options.json) printText(serializeEvent(event));
      else for (const line of summaryOf(event)) printLine(line);
    }
  } finally {
    await source.close();
  }
  if (!options.json) printLine(`${count} ${count === 1 ? 'event' : 'events'}.`);
  return problems.conclude();
}

/** Summarises an event for people, in one line; a dead letter has a second one. */
export function summaryOf(event: TrackingEvent): string[] {
  const summary = `${event.timestamp.toISOString()}  ${event.id}  ${event.name}`;
  if (!isDeadLetter(event)) return [summary];
  const { tracker, path, reason, attempts, error } = event.dead_letter;
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [summary, `    ${reason} by ${path} of the tracker ${tracker} (${tries}): ${error}`];
}
