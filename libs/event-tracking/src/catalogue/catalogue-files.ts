import { asyncApiOf } from './async-api.js';
import type { Catalogue } from './catalogue.js';
import { writeCatalogue } from './catalogue-json.js';
import { fileNameOf } from './file-name.js';
import type { DataFile } from './html/index-page.js';
import { htmlPages } from './html/html-pages.js';
import { contextsOf } from './links.js';
import { markdownPages } from './markdown/markdown-pages.js';
import { dataSchemaOf } from './schema/data-schema.js';
import { eventSchema } from './schema/event-schema.js';
import { wholeEventSchemaOf } from './schema/whole-event-schema.js';

/** The output formats of a catalogue. */
export const CATALOGUE_FORMATS = ['html', 'markdown', 'json', 'asyncapi', 'schemas'] as const;

/** One of {@link CATALOGUE_FORMATS}. */
export type CatalogueFormat = (typeof CATALOGUE_FORMATS)[number];

const DATA: readonly (DataFile & { format: CatalogueFormat })[] = [
  { format: 'json', path: 'catalogue.json', title: 'the catalogue as JSON' },
  { format: 'asyncapi', path: 'asyncapi.json', title: 'AsyncAPI' },
  { format: 'schemas', path: 'schemas/event.json', title: 'JSON Schema of all events' },
];

/**
 * Renders a catalogue in several formats.
 *
 * @param formats - the formats; all by default
 * @returns the files by path
 */
export function catalogueFiles(
  catalogue: Catalogue,
  formats: readonly CatalogueFormat[] = CATALOGUE_FORMATS,
): Map<string, string> {
  const files = DATA.filter(({ format }) => formats.includes(format));
  const renderers: Record<CatalogueFormat, () => Map<string, string>> = {
    html: () => htmlPages(catalogue, { files }),
    markdown: () => markdownPages(catalogue),
    json: () => new Map([['catalogue.json', writeCatalogue(catalogue)]]),
    asyncapi: () => new Map([['asyncapi.json', jsonFile(asyncApiOf(catalogue))]]),
    schemas: () => schemaFiles(catalogue),
  };
  return new Map(formats.flatMap((format) => [...renderers[format]()]));
}

function schemaFiles(catalogue: Catalogue): Map<string, string> {
  return new Map([
    ['schemas/event.json', jsonFile(eventSchema)],
    ...catalogue.events.map(({ name, current: { record } }): [string, string] => [
      `schemas/events/${fileNameOf(name)}.json`,
      jsonFile(wholeEventSchemaOf(record, contextsOf(catalogue, record))),
    ]),
    ...catalogue.contexts.map(({ name, current: { record } }): [string, string] => [
      `schemas/contexts/${fileNameOf(name)}.json`,
      jsonFile(dataSchemaOf(record)),
    ]),
  ]);
}

function jsonFile(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
