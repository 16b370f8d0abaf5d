import { describeValue } from '../core/diagnostics/describe.js';
import { EventTrackingError } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';
import type { FieldRecord, MetadataRecord } from '../core/event-types/metadata-record.js';
import { isFieldType } from '../core/event-types/field.js';
import { parseTimestamp } from '../core/event/serialize-event.js';

/** Thrown if a value cannot be parsed as a catalogue or a metadata record. */
export class MalformedCatalogueError extends EventTrackingError {
  override readonly code: string = 'MALFORMED_CATALOGUE';
}

/**
 * Reads a metadata record from a database document or parsed JSON.
 *
 * @remarks Accepts the id as `id` or `_id`, and the timestamp as a date or as text.
 * @throws {@link MalformedCatalogueError} if the value is not a metadata record
 */
export function readRecord(value: unknown): MetadataRecord {
  const record = isPlainObject(value) ? value : {};
  const { id = record['_id'], kind, name, timestamp } = record;
  if (
    typeof id !== 'string' ||
    (kind !== 'event' && kind !== 'context') ||
    typeof name !== 'string'
  ) {
    throw new MalformedCatalogueError(
      `Cannot read the metadata record: it must be an object with an id, the kind 'event' or 'context', and a name; ` +
        `received ${describeValue(value)}.`,
    );
  }
  const { context_fields, contexts, composed_of, schema, example } = record;
  return {
    id,
    kind,
    name,
    description: textOf(record['description']),
    fields: fieldsOf(record['fields']),
    ...(context_fields === undefined ? {} : { context_fields: fieldsOf(context_fields) }),
    ...(isArray(contexts) ? { contexts: contexts.map(String) } : {}),
    ...(isArray(composed_of) ? { composed_of: composed_of.map(String) } : {}),
    ...(isPlainObject(schema) ? { schema } : {}),
    ...(isPlainObject(example) ? { example } : {}),
    timestamp: timestamp instanceof Date ? timestamp : parseTimestamp(timestamp),
    stack_trace: textOf(record['stack_trace']),
  };
}

function fieldsOf(value: unknown): FieldRecord[] {
  if (!isArray(value)) return [];
  return value.filter(isPlainObject).map(({ id, name, description, type, optional, example }) => ({
    id: textOf(id),
    name: textOf(name),
    description: textOf(description),
    ...(isFieldType(type) ? { type } : {}),
    ...(optional === true ? { optional } : {}),
    ...(example === undefined ? {} : { example }),
  }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
