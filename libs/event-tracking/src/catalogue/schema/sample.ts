import { isPlainObject } from '../../core/event/event.js';
import type { JsonSchema } from '../../core/event-types/standard-schema.js';

/** Samples of the most common formats. */
const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2026-05-06T07:08:09.123Z',
  date: '2026-05-06',
  time: '07:08:09Z',
  email: 'ada@example.org',
  uuid: '01a20cbb-e184-7580-b6a8-d13d4d7e19bc',
  uri: 'https://example.org/',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
};

/**
 * Returns a value to illustrate a schema: its example or default, or else the simplest valid value.
 */
export function sampleOf(schema: unknown): unknown {
  if (!isPlainObject(schema)) return '…';
  const given = givenBy(schema);
  if (given !== undefined) return given;
  const [type] = [schema['type']].flat();
  switch (type) {
    case 'object':
      return objectSample(schema);
    case 'array':
      return schema['items'] === undefined ? [] : [sampleOf(schema['items'])];
    case 'integer':
    case 'number':
      return Math.max(1, Number(schema['minimum'] ?? schema['exclusiveMinimum'] ?? 0));
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return TEXTS[String(schema['format'])] ?? '…';
  }
}

function givenBy(schema: JsonSchema): unknown {
  const { examples, default: usual, enum: choices, anyOf, oneOf } = schema;
  if ('const' in schema) return schema['const'];
  if (Array.isArray(examples) && examples.length > 0) return examples[0] as unknown;
  if (usual !== undefined) return usual;
  if (Array.isArray(choices) && choices.length > 0) return choices[0] as unknown;
  for (const some of [anyOf, oneOf]) if (Array.isArray(some)) return sampleOf(some[0]);
  return undefined;
}

/** Includes an optional property only if its schema provides a value. */
function objectSample({ properties, required }: JsonSchema): Record<string, unknown> {
  if (!isPlainObject(properties)) return {};
  const isShown = ([name, property]: [string, unknown]) =>
    (Array.isArray(required) && required.includes(name)) ||
    (isPlainObject(property) && givenBy(property) !== undefined);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(isShown)
      .map(([name, property]) => [name, sampleOf(property)]),
  );
}
