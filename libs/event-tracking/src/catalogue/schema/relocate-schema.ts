import { isPlainObject } from '../../core/event/event.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';

/** Keywords whose values are no schemas, and may look like some. */
const VALUES = new Set(['const', 'enum', 'default', 'example', 'examples']);
/** Keywords whose values hold schemas by names that people chose. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

/** A schema as part of another: what it refers to within itself is found where it stands now. */
export function relocateSchema(schema: JsonSchema, place: string): JsonSchema {
  const { $schema: _, $id: __, ...rest } = schema;
  return moved(rest, place) as JsonSchema;
}

function moved(value: unknown, place: string): unknown {
  if (Array.isArray(value)) return value.map((each) => moved(each, place));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (VALUES.has(key)) return [key, each];
      if (NAMED.has(key) && isPlainObject(each)) return [key, movedEach(each, place)];
      if (key === '$ref' && typeof each === 'string')
        return [key, each.replace(/^#(?=\/|$)/, place)];
      return [key, moved(each, place)];
    }),
  );
}

function movedEach(schemas: JsonSchema, place: string): JsonSchema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, moved(schema, place)]),
  );
}
