import { contentId } from '../core/event-types/content-id.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { JsonSchema } from '../core/event-types/standard-schema.js';
import { serializeEvent } from '../core/event/serialize-event.js';
import type { Catalogue, CatalogueType } from './catalogue.js';
import { exampleEventOf } from './example-event.js';
import { contextsOf } from './links.js';
import { fileNameOf } from './file-name.js';
import { firstSentenceOf } from './prose.js';
import { relocateSchema } from './schema/relocate-schema.js';
import { wholeEventSchemaOf } from './schema/whole-event-schema.js';

/** Options of {@link asyncApiOf}. */
export interface AsyncApiOptions {
  /**
   * The version of the documented API.
   *
   * @default a hash of the ids of the types, which changes with any of them
   */
  version?: string;
}

/**
 * Returns an AsyncAPI 3.0 document of the events that an application emits.
 *
 * @remarks
 * All events are messages of one channel without an address, because each destination has its own.
 * Retired types are omitted. Schemas use the default schema format of AsyncAPI.
 * @see {@link https://www.asyncapi.com/docs/reference/specification/v3.0.0}
 */
export function asyncApiOf(catalogue: Catalogue, { version }: AsyncApiOptions = {}): JsonSchema {
  const events = catalogue.events.filter(({ isRetired }) => !isRetired);
  const keyed = events.map((type) => [fileNameOf(type.name).replace('~', '_'), type] as const);
  return {
    asyncapi: '3.0.0',
    info: {
      title: catalogue.title,
      version: version ?? contentId(events.map(({ current }) => current.record.id)),
      description: 'The events that the application emits.',
    },
    defaultContentType: 'application/json',
    channels: {
      events: {
        address: null,
        title: 'Events',
        description: 'Every destination of the events: a log, a database, a queue, a service.',
        messages: Object.fromEntries(
          keyed.map(([key]) => [key, { $ref: `#/components/messages/${key}` }]),
        ),
      },
    },
    operations: {
      emit: {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        summary: 'The application emits events.',
        ...(keyed.length === 0
          ? {}
          : { messages: keyed.map(([key]) => ({ $ref: `#/channels/events/messages/${key}` })) }),
      },
    },
    components: {
      messages: Object.fromEntries(
        keyed.map(([key, type]) => [key, messageOf(key, type, catalogue)]),
      ),
      schemas: Object.fromEntries(
        keyed.map(([key, type]) => [key, schemaOf(key, type, catalogue)]),
      ),
    },
  };
}

function messageOf(
  key: string,
  { name, current }: CatalogueType,
  catalogue: Catalogue,
): JsonSchema {
  const { record } = current;
  const [namespace] = name.split('.');
  return {
    name,
    title: name,
    ...(record.description === '' ? {} : { summary: firstSentenceOf(record.description) }),
    ...(record.description === '' ? {} : { description: record.description }),
    ...(namespace === name ? {} : { tags: [{ name: namespace }] }),
    contentType: 'application/json',
    payload: { $ref: `#/components/schemas/${key}` },
    examples: [{ name: 'example', payload: exampleOf(record, catalogue) }],
  };
}

function schemaOf(key: string, { current }: CatalogueType, catalogue: Catalogue): JsonSchema {
  const schema = wholeEventSchemaOf(current.record, contextsOf(catalogue, current.record));
  return relocateSchema(schema, `#/components/schemas/${key}`);
}

function exampleOf(record: MetadataRecord, catalogue: Catalogue): unknown {
  return JSON.parse(serializeEvent(exampleEventOf(record, contextsOf(catalogue, record))));
}
