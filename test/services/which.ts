import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Returns the path of a command; rejects if it is not on the PATH. */
export async function which(command: string): Promise<string> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, command);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // The next directory may have it.
    }
  }
  throw new Error(`${command} is not on the PATH`);
}
