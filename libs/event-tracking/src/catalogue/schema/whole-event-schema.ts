import type { FieldRecord, MetadataRecord } from '../../core/event-types/metadata-record.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';
import { dataSchemaOf, propertiesOf } from './data-schema.js';
import { DIALECT, eventSchema } from './event-schema.js';
import { relocateSchema } from './relocate-schema.js';

/**
 * The JSON Schema of a whole event of a type: its name, what it holds, and what its context is described to hold.
 *
 * @remarks
 * Complete in itself. No key of the context is required: a context that is not entered leaves none, and one that is entered
 * further in may say it in another way.
 * @param contexts - the records of the contexts that such events are emitted in
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

/** What the merged context holds; where contexts differ about the kind of value, nothing is said of it. */
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
