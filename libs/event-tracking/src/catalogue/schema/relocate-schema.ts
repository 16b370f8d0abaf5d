import { isPlainObject } from '../../core/event/event.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';

/** Keywords whose values are not schemas, although they may look like one. */
const VALUES = new Set(['const', 'enum', 'default', 'example', 'examples']);
/** Keywords whose values map chosen names to schemas. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

/** Embeds a schema in another one: its local references point to the new location. */
export function relocateSchema(schema: JsonSchema, location: string): JsonSchema {
  const { $schema: _, $id: __, ...rest } = schema;
  return relocate(rest, location) as JsonSchema;
}

function relocate(value: unknown, location: string): unknown {
  if (Array.isArray(value)) return value.map((each) => relocate(each, location));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (VALUES.has(key)) return [key, each];
      if (NAMED.has(key) && isPlainObject(each)) return [key, relocateEach(each, location)];
      if (key === '$ref' && typeof each === 'string')
        return [key, each.replace(/^#(?=\/|$)/, location)];
      return [key, relocate(each, location)];
    }),
  );
}

function relocateEach(schemas: JsonSchema, location: string): JsonSchema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, relocate(schema, location)]),
  );
}
