import { copyOf } from '../core/event/snapshot.js';
import type { CommandLine } from './command-line.js';
import { openSource } from './open-source.js';
import { printProblem, printText } from './output.js';
import { Problems } from './problems.js';

/** Prints an event in full, once per dead letter. */
export async function inspectLetters(options: CommandLine): Promise<number> {
  const problems = new Problems();
  const source = await openSource(options, problems);
  let isFound = false;
  try {
    for await (const event of source.read()) {
      if (event.id !== options.id) continue;
      isFound = true;
      printText(JSON.stringify(copyOf(event), undefined, 2));
    }
  } finally {
    await source.close();
  }
  if (!isFound) printProblem(`No event has the id '${options.id}' in ${options.from}.`);
  return isFound ? problems.conclude() : 1;
}
