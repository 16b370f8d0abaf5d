import { copyOf } from '../core/event/snapshot.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';

/** Prints all that there is of an event, each time that it was given up. */
export async function inspectLetters(line: CommandLine): Promise<number> {
  const source = await openSource(line);
  let isFound = false;
  try {
    for await (const event of source.read()) {
      if (event.id !== line.id) continue;
      isFound = true;
      console.log(JSON.stringify(copyOf(event), undefined, 2));
    }
  } finally {
    await source.close();
  }
  if (!isFound) console.error(`There is no event of the id '${line.id}' in ${line.from}.`);
  return isFound ? 0 : 1;
}
