import { readFile } from 'node:fs/promises';
import { activeEventNames } from '../../catalogue/catalogue-json.js';
import { describeError } from '../../core/diagnostics/describe.js';
import { UsageError } from '../usage-error.js';

/**
 * Reads the names of the event types that a catalogue does not mark as retired.
 *
 * @throws {@link UsageError} if the file is not a catalogue
 */
export async function readCatalogueNames(path: string): Promise<Set<string>> {
  const names = activeEventNames(await readJson(path));
  if (names !== undefined) return names;
  throw new UsageError(
    `--catalogue: ${path} must contain { "records": [{ "kind": "event", "name": "…" }, …] }. ` +
      `Pass the catalogue.json that the command catalogue writes.`,
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`--catalogue: cannot read ${path}. ${describeError(error)}.`);
  }
}
