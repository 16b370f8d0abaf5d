import { describeError } from '../core/diagnostics/describe.js';
import { EventTrackingError } from '../core/diagnostics/errors.js';
import { readCommandLine, USAGE, type CommandLine } from './command-line.js';
import { inspectLetters } from './inspect-letters.js';
import { listLetters } from './list-letters.js';
import { purgeLetters } from './purge-letters.js';
import { UsageError } from './usage-error.js';

/** Runs the command of a command line, and resolves to the exit code: 0, 1 where something failed or differs, 2 for a wrong command line. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === 'catalogue') return await catalogue(rest);
    const line = readCommandLine(args);
    switch (line.command) {
      case 'help':
        console.log(USAGE);
        return 0;
      case 'list':
        return await listLetters(line);
      case 'inspect':
        return await inspectLetters(line);
      case 'replay':
        return await replay(line);
      case 'purge':
        return await purgeLetters(line);
      case 'discover':
        return await discover(line);
    }
  } catch (error) {
    const isExpected = error instanceof UsageError || error instanceof EventTrackingError;
    console.error(isExpected ? error.message : describeError(error));
    if (error instanceof UsageError) console.error(`See: npx event-tracking --help`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Nest is loaded where an application is started, and nowhere else. */
async function replay(line: CommandLine): Promise<number> {
  const { replayEvents } = await import('./replay-events.js');
  return replayEvents(line);
}

/** The compiler is large: it is loaded where code is searched, and nowhere else. */
async function discover(line: CommandLine): Promise<number> {
  const { discoverEvents } = await import('./discovery/discover-events.js');
  return discoverEvents(line);
}

/** It has options of its own. */
async function catalogue(args: readonly string[]): Promise<number> {
  const { makeCatalogue } = await import('./catalogue/make-catalogue.js');
  return makeCatalogue(args);
}
