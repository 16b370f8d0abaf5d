import { isDeadLetter, type DeadLetter } from '../delivery/dead-letter.js';
import { chunksOf } from './chunks.js';
import type { CommandLine, Filters } from './command-line.js';
import type { EventSource } from './event-source.js';
import { openSource } from './open-source.js';
import { matches } from './matches.js';
import { UsageError } from './usage-error.js';

const CHUNK = 100;

/** Removes dead letters for good. */
export async function purgeLetters({ dryRun, filters, ...line }: CommandLine): Promise<number> {
  const source = await openSource({ ...line, dryRun, filters });
  try {
    if (source.remove === undefined) {
      throw new UsageError(`purge: a log is read only. Delete the file if it is not needed.`);
    }
    let count = 0;
    for await (const letters of chunksOf(lettersIn(source, filters), CHUNK)) {
      if (!dryRun) await source.remove(letters);
      count += letters.length;
    }
    console.log(`${count} dead letters ${dryRun ? 'would be' : 'were'} removed.`);
    return 0;
  } finally {
    await source.close();
  }
}

async function* lettersIn(source: EventSource, filters: Filters): AsyncGenerator<DeadLetter> {
  for await (const event of source.read())
    if (isDeadLetter(event) && matches(event, filters)) yield event;
}
