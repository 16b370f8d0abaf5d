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
 * The JSON Schema of what events of a type hold, or contexts of one.
 *
 * @remarks
 * That of the type's validator, where it has one that speaks JSON Schema, with the descriptions that the fields have; else
 * made of the fields. Fields that are not described are allowed, as they are when an event is emitted.
 */
export function dataSchemaOf(record: MetadataRecord): JsonSchema {
  const { id, kind, name, description, schema, fields, example } = record;
  const what = schema === undefined ? objectOf(fields) : describedBy(schema, fields);
  return {
    $schema: DIALECT,
    $id: `urn:nestjs-event-tracking:${kind}:${encodeURIComponent(name)}:${id}:data`,
    title: name,
    ...(description === '' ? {} : { description }),
    ...what,
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

/** What an object of such fields is, all of them required that are not optional. */
export function objectOf(fields: readonly FieldRecord[]): JsonSchema {
  const required = fields.filter(({ optional }) => optional !== true).map(({ name }) => name);
  return {
    type: 'object',
    properties: propertiesOf(fields),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** What each field holds, by name. */
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

/** A validator's own schema, whose properties say what the fields' documentation says. */
function describedBy(schema: JsonSchema, fields: readonly FieldRecord[]): JsonSchema {
  const { properties } = schema;
  if (!isPlainObject(properties)) return schema;
  const described = fields
    .filter(({ name }) => Object.hasOwn(properties, name) && isPlainObject(properties[name]))
    .map((field) => {
      const { type: _, ...said } = propertyOf({ ...field, type: undefined });
      return [field.name, { ...(properties[field.name] as JsonSchema), ...said }] as const;
    });
  return { ...schema, properties: { ...properties, ...Object.fromEntries(described) } };
}
