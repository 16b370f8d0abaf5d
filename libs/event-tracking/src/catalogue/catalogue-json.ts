import { isPlainObject } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { parseTimestamp } from '../core/event/serialize-event.js';
import { catalogueOf, type Catalogue, type CatalogueType } from './catalogue.js';
import { MalformedCatalogueError, readRecord } from './read-record.js';

const FORMAT = 'event-catalogue/1';

interface NamedEntry {
  kind: string;
  name: string;
  retired?: unknown;
}

/**
 * Returns a catalogue as JSON for {@link readCatalogue}. Equal catalogues give equal text.
 *
 * @remarks
 * Its `records` are metadata records, grouped by type, newest first. Each also lists the dates
 * `since` when it has been in force, and has `retired: true` if its type is retired.
 */
export function writeCatalogue({ title, events, contexts, combinations }: Catalogue): string {
  const content = {
    format: FORMAT,
    title,
    records: [
      ...[...events, ...contexts].flatMap(writeType),
      ...combinations.map(({ record }) => readRecord(record)),
    ],
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/**
 * Parses the JSON that {@link writeCatalogue} returns.
 *
 * @throws {@link MalformedCatalogueError} if the text is not such a catalogue
 */
export function readCatalogue(text: string): Catalogue {
  const { title, records } = parse(text);
  const versions = entriesOf(records).filter(isPlainObject);
  return catalogueOf(versions.flatMap(readVersion), {
    ...(typeof title === 'string' ? { title } : {}),
    registered: versions.filter(isActive).map(readRecord),
  });
}

/**
 * Returns the names of the event types in a parsed catalogue that are not retired.
 *
 * @remarks Reads only `kind`, `name` and `retired`, so the records may come from any release.
 * @returns undefined if the value has no list of named records
 */
export function activeEventNames(value: unknown): Set<string> | undefined {
  const records = isPlainObject(value) ? value['records'] : undefined;
  const named = entriesOf(records).filter(isNamed);
  if (!Array.isArray(records) || named.length < records.length) return undefined;
  return new Set(
    named.filter((each) => each.kind === 'event' && isActive(each)).map(({ name }) => name),
  );
}

function writeType({ isRetired, versions }: CatalogueType): object[] {
  return versions.map(({ record, since }) => ({
    // Reading the record again puts its keys into a fixed order.
    ...readRecord(record),
    since,
    ...(isRetired ? { retired: true } : {}),
  }));
}

function entriesOf(records: unknown): readonly unknown[] {
  return Array.isArray(records) ? records : [];
}

function isNamed(value: unknown): value is NamedEntry {
  return (
    isPlainObject(value) && typeof value['kind'] === 'string' && typeof value['name'] === 'string'
  );
}

function isActive({ retired }: { retired?: unknown }): boolean {
  return retired !== true;
}

function readVersion(value: Record<string, unknown>): MetadataRecord[] {
  const record = readRecord(value);
  const since = Array.isArray(value['since']) ? value['since'].map(parseTimestamp) : [];
  return since.length === 0 ? [record] : since.map((timestamp) => ({ ...record, timestamp }));
}

function parse(text: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new MalformedCatalogueError(`Cannot read the catalogue: the text is not valid JSON.`, {
      cause,
    });
  }
  if (isPlainObject(content) && content['format'] === FORMAT) return content;
  const received = isPlainObject(content)
    ? JSON.stringify(content['format'])
    : 'a value that is not an object';
  throw new MalformedCatalogueError(
    `Cannot read the catalogue: its format must be '${FORMAT}'; received ${received}. ` +
      `If another release wrote it, remove the file to start over.`,
  );
}
