import { describeError } from '../core/diagnostics/describe.js';
import { EventTrackingError } from '../core/diagnostics/errors.js';
import { readCommandLine, USAGE, type CommandLine } from './command-line.js';
import { inspectLetters } from './inspect-letters.js';
import { listLetters } from './list-letters.js';
import { printProblem, printText } from './output.js';
import { purgeLetters } from './purge-letters.js';
import { UsageError } from './usage-error.js';

/**
 * Runs a command.
 *
 * @returns the exit code: 0, 1 if something failed or differs, 2 if the command line is invalid
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === 'catalogue') return await catalogue(rest);
    const options = readCommandLine(args);
    switch (options.command) {
      case 'help':
        printText(USAGE);
        return 0;
      case 'list':
        return await listLetters(options);
      case 'inspect':
        return await inspectLetters(options);
      case 'replay':
        return await replay(options);
      case 'purge':
        return await purgeLetters(options);
      case 'discover':
        return await discover(options);
    }
  } catch (error) {
    const isExpected = error instanceof UsageError || error instanceof EventTrackingError;
    const text = isExpected ? error.message : describeError(error);
    for (const line of text.split('\n')) printProblem(line);
    if (error instanceof UsageError) printProblem(`See: npx event-tracking --help`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Loads Nest only for the command that starts an application. */
async function replay(options: CommandLine): Promise<number> {
  const { replayEvents } = await import('./replay-events.js');
  return replayEvents(options);
}

/** Loads the compiler only for the command that searches code, because it is large. */
async function discover(options: CommandLine): Promise<number> {
  const { discoverEvents } = await import('./discovery/discover-events.js');
  return discoverEvents(options);
}

async function catalogue(args: readonly string[]): Promise<number> {
  const { makeCatalogue } = await import('./catalogue/make-catalogue.js');
  return makeCatalogue(args);
}
