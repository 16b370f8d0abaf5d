import type { FieldRecord, MetadataRecord } from '../../core/event-types/metadata-record.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';
import { dataSchemaOf, propertiesOf } from './data-schema.js';
import { DIALECT, eventSchema } from './event-schema.js';
import { relocateSchema } from './relocate-schema.js';

/**
 * Returns the JSON Schema of complete events of a type, including the described keys of their
 * context.
 *
 * @remarks
 * The schema is self-contained. No key of the context is required, because a context may not be
 * entered, and an inner context may override keys of an outer one.
 * @param contexts - the records of the contexts in which the events are emitted
 */
export function wholeEventSchemaOf(
  record: MetadataRecord,
  contexts: readonly MetadataRecord[] = [],
): JsonSchema {
  const { id, name, description } = record;
  const { properties } = eventSchema;
  const data = relocateSchema(dataSchemaOf(record), '#/properties/data');
  return {
    ...eventSchema,
    $schema: DIALECT,
    $id: `urn:nestjs-event-tracking:event:${encodeURIComponent(name)}:${id}`,
    title: name,
    description: description === '' ? eventSchema.description : description,
    properties: {
      ...properties,
      name: { ...properties.name, const: name },
      context: {
        ...properties.context,
        properties: propertiesOf(contextFieldsOf(record, contexts)),
      },
      data,
    },
    required: [...eventSchema.required, 'data'],
  };
}

function contextFieldsOf(
  record: MetadataRecord,
  contexts: readonly MetadataRecord[],
): readonly FieldRecord[] {
  const fields = new Map<string, FieldRecord>();
  for (const field of [...contexts, { fields: record.context_fields ?? [] }].flatMap(
    (each) => each.fields,
  )) {
    const known = fields.get(field.name);
    const type = known === undefined || known.type === field.type ? field.type : undefined;
    fields.set(field.name, { ...known, ...field, type });
  }
  return [...fields.values()];
}
