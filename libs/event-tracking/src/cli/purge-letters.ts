import { isDeadLetter, type DeadLetter } from '../delivery/dead-letter.js';
import { inBatches } from './in-batches.js';
import type { CommandLine } from './command-line.js';
import type { EventSource } from './event-source.js';
import { openSource } from './open-source.js';
import { matchesFilters, type Filters } from './filters.js';
import { printLine } from './output.js';
import { Problems } from './problems.js';
import { UsageError } from './usage-error.js';

const BATCH_SIZE = 100;

/** Removes dead letters permanently. */
export async function purgeLetters({ dryRun, filters, ...options }: CommandLine): Promise<number> {
  const problems = new Problems();
  const source = await openSource({ ...options, dryRun, filters }, problems);
  try {
    if (source.remove === undefined) {
      throw new UsageError(`purge: a log is read-only. Delete the file if you no longer need it.`);
    }
    let count = 0;
    for await (const letters of inBatches(lettersIn(source, filters), BATCH_SIZE)) {
      if (!dryRun) await source.remove(letters);
      count += letters.length;
    }
    printLine(`${count} dead letters ${dryRun ? 'would be' : 'were'} removed.`);
    return problems.conclude();
  } finally {
    await source.close();
  }
}

async function* lettersIn(source: EventSource, filters: Filters): AsyncGenerator<DeadLetter> {
  for await (const event of source.read())
    if (isDeadLetter(event) && matchesFilters(event, filters)) yield event;
}
