import { isDeadLetter, type DeadLetter } from '../delivery/dead-letter.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';
import { matches } from './matches.js';
import { UsageError } from './usage-error.js';

/** Removes dead letters for good. */
export async function purgeLetters({ dryRun, filters, ...line }: CommandLine): Promise<number> {
  const source = await openSource({ ...line, dryRun, filters });
  try {
    if (source.remove === undefined) {
      throw new UsageError(`purge: a log is read only. Delete the file if it is not needed.`);
    }
    const letters: DeadLetter[] = [];
    for await (const event of source.read()) {
      if (isDeadLetter(event) && matches(event, filters)) letters.push(event);
    }
    if (!dryRun) await source.remove(letters);
    console.log(`${letters.length} dead letters ${dryRun ? 'would be' : 'were'} removed.`);
    return 0;
  } finally {
    await source.close();
  }
}
