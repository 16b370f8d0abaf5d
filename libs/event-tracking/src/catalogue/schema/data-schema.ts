import { isPlainObject } from '../../core/event/event.js';
import type { FieldTypes } from '../../core/event-types/field.js';
import type { FieldRecord, MetadataRecord } from '../../core/event-types/metadata-record.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';
import { DIALECT } from './event-schema.js';

const TYPES: Readonly<Record<keyof FieldTypes, JsonSchema>> = {
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  date: { type: 'string', format: 'date-time' },
  array: { type: 'array' },
  object: { type: 'object' },
};

/**
 * Returns the JSON Schema of the data of an event type or context type.
 *
 * @remarks
 * Uses the schema of the type's validator if it provides JSON Schema, and adds the descriptions of
 * the fields. Otherwise builds a schema from the fields. Undescribed fields are allowed, as in
 * emitted events.
 */
export function dataSchemaOf(record: MetadataRecord): JsonSchema {
  const { id, kind, name, description, schema, fields, example } = record;
  const content = schema === undefined ? objectOf(fields) : describedBy(schema, fields);
  return {
    $schema: DIALECT,
    $id: `urn:nestjs-event-tracking:${kind}:${encodeURIComponent(name)}:${id}:data`,
    title: name,
    ...(description === '' ? {} : { description }),
    ...content,
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

/** Returns the schema of an object with the given fields, which are required unless optional. */
export function objectOf(fields: readonly FieldRecord[]): JsonSchema {
  const required = fields.filter(({ optional }) => optional !== true).map(({ name }) => name);
  return {
    type: 'object',
    properties: propertiesOf(fields),
    ...(required.length === 0 ? {} : { required }),
  };
}

export function propertiesOf(fields: readonly FieldRecord[]): JsonSchema {
  return Object.fromEntries(fields.map((field) => [field.name, propertyOf(field)]));
}

function propertyOf({ type, description, example }: FieldRecord): JsonSchema {
  return {
    ...(type === undefined ? {} : TYPES[type]),
    ...(description === '' ? {} : { description }),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

/** Adds the documentation of the fields to the properties of a validator's schema. */
function describedBy(schema: JsonSchema, fields: readonly FieldRecord[]): JsonSchema {
  const { properties } = schema;
  if (!isPlainObject(properties)) return schema;
  const described = fields
    .filter(({ name }) => Object.hasOwn(properties, name) && isPlainObject(properties[name]))
    .map((field) => {
      const { type: _, ...documentation } = propertyOf({ ...field, type: undefined });
      return [field.name, { ...(properties[field.name] as JsonSchema), ...documentation }] as const;
    });
  return { ...schema, properties: { ...properties, ...Object.fromEntries(described) } };
}
