import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, makePrivateDirectory } from './private-files.js';

/** The folder of a store for files that are damaged; nothing in it is read or deleted again. */
export const DAMAGED = 'damaged';

/** Moves a file of a store out of the way without deleting it. */
export async function setAside(location: string, name: string): Promise<void> {
  await makePrivateDirectory(join(location, DAMAGED));
  await rename(join(location, name), join(location, DAMAGED, `${name}.${randomUUID()}`)).catch(
    (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    },
  );
}
