import { isRecord } from '../core/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { parseTimestamp } from '../core/serialize-event.js';
import { catalogueOf, type Catalogue, type CatalogueType } from './catalogue.js';
import { MalformedCatalogueError, readRecord } from './read-record.js';

const FORMAT = 'event-catalogue/1';

/** Writes a catalogue as JSON that {@link readCatalogue} reads: the same text for the same catalogue. */
export function writeCatalogue({ title, events, contexts, combinations }: Catalogue): string {
  const content = {
    format: FORMAT,
    title,
    events: events.map(writeType),
    contexts: contexts.map(writeType),
    combinations: combinations.map(({ record }) => readRecord(record)),
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/**
 * Reads a catalogue that {@link writeCatalogue} wrote.
 *
 * @throws {@link MalformedCatalogueError} for text that is no such catalogue
 */
export function readCatalogue(text: string): Catalogue {
  const content = parse(text);
  const types = [...listOf(content['events']), ...listOf(content['contexts'])];
  const versions = types.flatMap(({ versions }) => listOf(versions).flatMap(readVersion));
  const combinations = listOf(content['combinations']).map(readRecord);
  const retired = new Set(types.filter((type) => type['retired'] === true).map(identityOf));
  return catalogueOf([...versions, ...combinations], {
    ...(typeof content['title'] === 'string' ? { title: content['title'] } : {}),
    registered: versions.filter((record) => !retired.has(identityOf(record))),
  });
}

function writeType({ kind, name, isRetired, versions }: CatalogueType): object {
  return {
    kind,
    name,
    ...(isRetired ? { retired: true } : {}),
    // Read once more, so that its keys are in one order, wherever it comes from.
    versions: versions.map(({ record, since }) => ({ ...readRecord(record), since })),
  };
}

function readVersion(value: Record<string, unknown>): MetadataRecord[] {
  const record = readRecord(value);
  const since = Array.isArray(value['since']) ? value['since'].map(parseTimestamp) : [];
  return since.length === 0 ? [record] : since.map((timestamp) => ({ ...record, timestamp }));
}

function identityOf({ kind, name }: { kind?: unknown; name?: unknown }): string {
  return `${String(kind)} ${String(name)}`;
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
  if (isRecord(content) && content['format'] === FORMAT) return content;
  const received = isRecord(content) ? JSON.stringify(content['format']) : 'no object';
  throw new MalformedCatalogueError(
    `A catalogue could not be read: expected an object whose format is '${FORMAT}', received ${received}. ` +
      `Another release may have written it; remove the file to begin anew.`,
  );
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
