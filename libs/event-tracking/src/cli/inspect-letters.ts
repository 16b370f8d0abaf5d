import { copyOf } from '../core/event/snapshot.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';

/** Prints an event in full, once per dead letter. */
export async function inspectLetters(options: CommandLine): Promise<number> {
  const source = await openSource(options);
  let isFound = false;
  try {
    for await (const event of source.read()) {
      if (event.id !== options.id) continue;
      isFound = true;
      console.log(JSON.stringify(copyOf(event), undefined, 2));
    }
  } finally {
    await source.close();
  }
  if (!isFound) console.error(`No event has the id '${options.id}' in ${options.from}.`);
  return isFound ? 0 : 1;
}
