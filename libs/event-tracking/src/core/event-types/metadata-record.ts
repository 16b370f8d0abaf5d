import { isPlainObject } from '../event/event.js';
import { compareCodePoints } from '../event/compare-code-points.js';
import { copyOf, frozen } from '../event/snapshot.js';
import { contentId } from './content-id.js';
import type { ContextType, DescribedType, EventType } from './event-type.js';
import type { FieldDescription } from './field.js';
import type { JsonSchema } from './standard-schema.js';

/** A field in a metadata record. */
export interface FieldRecord extends FieldDescription {
  /** Unique to the field and the record. */
  readonly id: string;
  readonly name: string;
}

/**
 * One version of an event or context type, as a plain object that JSON and BSON can represent.
 *
 * @remarks
 * The content alone decides the id: the same description has the same id in every process, and a changed one has another.
 * Events refer to records by `name_id` and `context_type_id`.
 */
export interface MetadataRecord {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly kind: 'event' | 'context';
  readonly name: string;
  readonly description: string;
  /** In the order of their names. */
  readonly fields: readonly FieldRecord[];
  /** The described keys of the merged context of such events. */
  readonly context_fields?: readonly FieldRecord[];
  /** The names of the contexts that such events are emitted in. */
  readonly contexts?: readonly string[];
  /** The ids of the context types that are entered together, where the record stands for several. */
  readonly composed_of?: readonly string[];
  /** The validator's own JSON Schema. */
  readonly schema?: JsonSchema;
  readonly example?: Readonly<Record<string, unknown>>;
  /** When the type was registered in this process; no part of the content. */
  readonly timestamp: Date;
  /** Where it was described; no part of the content. */
  readonly stack_trace: string;
}

/** Tells whether a value has the shape of a metadata record. */
export function isMetadataRecord(value: unknown): value is MetadataRecord {
  return (
    isPlainObject(value) &&
    typeof value['id'] === 'string' &&
    (value['kind'] === 'event' || value['kind'] === 'context') &&
    typeof value['name'] === 'string' &&
    Array.isArray(value['fields']) &&
    value['timestamp'] instanceof Date
  );
}

/** The record of an event type or a context type. */
export function recordOf(type: EventType | ContextType, timestamp: Date): MetadataRecord {
  const { kind, name, description, jsonSchema: schema, example } = type;
  const { contexts = [], contextFields }: Partial<EventType> = type.kind === 'event' ? type : {};
  const content = copyOf({
    kind,
    name,
    description,
    ...(contexts.length === 0 ? {} : { contexts: [...contexts].sort(compareCodePoints) }),
    ...(schema === undefined ? {} : { schema }),
    ...(example === undefined ? {} : { example }),
  });
  const fields = fieldsOf(type.fields);
  const context_fields = contextFields === undefined ? undefined : fieldsOf(contextFields);
  const id = contentId({ ...content, fields, context_fields });
  const identified = (described: readonly Omit<FieldRecord, 'id'>[], of: string): FieldRecord[] =>
    described.map((field) => ({ id: contentId([id, of, field.name]), ...field }));
  return frozen({
    id,
    ...content,
    fields: identified(fields, 'data'),
    ...(context_fields === undefined
      ? {}
      : { context_fields: identified(context_fields, 'context') }),
    timestamp,
    stack_trace: type.stack,
  });
}

/** The id of several context types that are entered together, of their ids in order; of one, its own. */
export function compositeId(ids: readonly string[]): string {
  return ids.length === 1 ? ids[0]! : contentId(ids);
}

/**
 * The record of several context types that are entered together.
 *
 * @param parts - in the order of their ids
 */
export function compositeRecord(parts: readonly MetadataRecord[], timestamp: Date): MetadataRecord {
  const composed_of = parts.map(({ id }) => id);
  return frozen({
    id: compositeId(composed_of),
    kind: 'context',
    name: parts.map(({ name }) => name).join(' + '),
    description: `These contexts together: ${parts.map(({ name }) => `'${name}'`).join(', ')}.`,
    fields: [],
    composed_of,
    timestamp,
    stack_trace: '',
  });
}

function fieldsOf(fields: DescribedType['fields']): Omit<FieldRecord, 'id'>[] {
  return Object.entries(fields ?? {})
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, field]) => copyOf({ name, ...field }));
}
