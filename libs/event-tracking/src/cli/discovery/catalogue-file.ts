import { readFile } from 'node:fs/promises';
import { describeError } from '../../core/diagnostics/describe.js';
import { isPlainObject } from '../../core/event/event.js';
import { UsageError } from '../usage-error.js';

interface CataloguedType {
  kind: string;
  name: string;
  /** Whether nobody emits it any longer. */
  retired?: unknown;
}

/**
 * Reads the names of the event types in a catalogue: a JSON document with metadata records.
 *
 * @throws {@link UsageError} for what is no catalogue
 */
export async function readCatalogue(path: string): Promise<Set<string>> {
  const records = recordsOf(await read(path));
  if (records === undefined) {
    throw new UsageError(
      `--catalogue: ${path} is no catalogue: expected { "records": [{ "kind": "event", "name": "…" }, …] }.`,
    );
  }
  const events = records.filter(({ kind, retired }) => kind === 'event' && retired !== true);
  return new Set(events.map(({ name }) => name));
}

async function read(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`--catalogue: ${path} cannot be read: ${describeError(error)}.`);
  }
}

function recordsOf(document: unknown): CataloguedType[] | undefined {
  const records = isPlainObject(document) ? document['records'] : undefined;
  if (!Array.isArray(records)) return undefined;
  const areRecords = records.every(
    (each) =>
      isPlainObject(each) && typeof each['kind'] === 'string' && typeof each['name'] === 'string',
  );
  return areRecords ? (records as CataloguedType[]) : undefined;
}
