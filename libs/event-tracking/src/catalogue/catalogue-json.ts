import { isPlainObject } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { parseTimestamp } from '../core/event/serialize-event.js';
import { catalogueOf, type Catalogue, type CatalogueType } from './catalogue.js';
import { MalformedCatalogueError, readRecord } from './read-record.js';

const FORMAT = 'event-catalogue/1';

/**
 * Writes a catalogue as JSON that {@link readCatalogue} reads: the same text for the same catalogue.
 *
 * @remarks
 * Its `records` are metadata records, those of a type together and the newest first, which say besides `since` when they
 * are in force, and whether their type is `retired`.
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
 * Reads a catalogue that {@link writeCatalogue} wrote.
 *
 * @throws {@link MalformedCatalogueError} for text that is no such catalogue
 */
export function readCatalogue(text: string): Catalogue {
  const { title, records } = parse(text);
  const versions = Array.isArray(records) ? records.filter(isPlainObject) : [];
  return catalogueOf(versions.flatMap(readVersion), {
    ...(typeof title === 'string' ? { title } : {}),
    registered: versions.filter(({ retired }) => retired !== true).map(readRecord),
  });
}

function writeType({ isRetired, versions }: CatalogueType): object[] {
  return versions.map(({ record, since }) => ({
    // Read once more, so that its keys are in one order, wherever it comes from.
    ...readRecord(record),
    since,
    ...(isRetired ? { retired: true } : {}),
  }));
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
    throw new MalformedCatalogueError(`A catalogue could not be read: the text is no JSON.`, {
      cause,
    });
  }
  if (isPlainObject(content) && content['format'] === FORMAT) return content;
  const received = isPlainObject(content) ? JSON.stringify(content['format']) : 'no object';
  throw new MalformedCatalogueError(
    `A catalogue could not be read: expected an object whose format is '${FORMAT}', received ${received}. ` +
      `Another release may have written it; remove the file to begin anew.`,
  );
}
