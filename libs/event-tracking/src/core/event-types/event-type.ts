import { checkOptions, type KeysOf } from '../diagnostics/check-options.js';
import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import { isPlainObject } from '../event/event.js';
import {
  FIELD_TYPES,
  isFieldType,
  type DataOf,
  type FieldDescription,
  type Fields,
} from './field.js';
import { stackIn } from './call-site.js';
import { frozenCopyOf } from './frozen.js';
import {
  isStandardSchema,
  jsonSchemaOf,
  type InputOf,
  type JsonSchema,
  type StandardSchema,
} from './standard-schema.js';

declare const DATA: unique symbol;

/** Marks a type, for every copy of the package. */
const KIND = Symbol.for('event-tracking:described-type');

/** Common properties of event and context types. */
export interface DescribedType<Name extends string = string, Data extends object = object> {
  readonly kind: 'event' | 'context';
  readonly name: Name;
  /** Describes the event or context, and when it occurs; may be empty. */
  readonly description: string;
  /** The fields by name; undefined if they are not described. */
  readonly fields: Readonly<Record<string, FieldDescription>> | undefined;
  /** Whether the schema accepts fields that are not described. */
  readonly isOpen: boolean;
  /** Validates the values. */
  readonly schema: StandardSchema | undefined;
  /** The schema in the words of Standard Schema, looked up once: libraries may make it when they are asked. */
  readonly standard: StandardSchema['~standard'] | undefined;
  /** The validator's own JSON Schema. */
  readonly jsonSchema: JsonSchema | undefined;
  /** Values, for readers of the documentation. */
  readonly example: Readonly<Record<string, unknown>> | undefined;
  /** The stack of the code that described it. */
  readonly stack: string;
  /** Only the compiler knows it. */
  readonly [DATA]?: Data;
}

/** An event type: the meaning and the fields of events with one name. Created by {@link defineEvent}. */
export interface EventType<
  Name extends string = string,
  Data extends object = object,
> extends DescribedType<Name, Data> {
  readonly kind: 'event';
  /** The names of the contexts that such events are emitted in. */
  readonly contexts: readonly string[];
  /** The keys of the merged context by name; undefined if they are not described. */
  readonly contextFields: Readonly<Record<string, FieldDescription>> | undefined;
}

/** A context type: the meaning and the keys of contexts with one name. Created by {@link defineContext}. */
export interface ContextType<
  Name extends string = string,
  Values extends object = object,
> extends DescribedType<Name, Values> {
  readonly kind: 'context';
}

/** The data of events of a type. */
export type EventDataOf<T extends EventType> =
  T extends EventType<string, infer Data> ? Data : never;

/** The values of contexts of a type. */
export type ContextValuesOf<T extends ContextType> =
  T extends ContextType<string, infer Values> ? Values : never;

/** How a type is described. */
export interface TypeOptions<F extends Fields = Fields, S extends StandardSchema = StandardSchema> {
  /** Describes the event or context, and when it occurs. */
  description: string;
  /**
   * The fields by name: a description, or a description with further properties.
   *
   * @default the fields of the schema, if it can express them as JSON Schema
   */
  fields?: F;
  /**
   * A validator that speaks Standard Schema: of Zod, Valibot, ArkType, …
   *
   * @default none
   */
  schema?: S;
  /**
   * Values, for readers of the documentation.
   *
   * @default made of the fields' own examples
   */
  example?: object;
}

/** How an event type is described. */
export interface EventTypeOptions<
  F extends Fields = Fields,
  S extends StandardSchema = StandardSchema,
> extends TypeOptions<F, S> {
  /**
   * The contexts that such events are emitted in, for readers of the documentation.
   *
   * @default not described
   */
  contexts?: readonly (ContextType | string)[];
}

const CONTEXT_KEYS: KeysOf<TypeOptions> = {
  description: true,
  fields: true,
  schema: true,
  example: true,
};
const EVENT_KEYS: KeysOf<EventTypeOptions> = { ...CONTEXT_KEYS, contexts: true };
const FIELD_KEYS: KeysOf<FieldDescription> = {
  description: true,
  type: true,
  optional: true,
  example: true,
};

/**
 * Declares an event type as a value: it types `emit`, documents the events, and validates them where it has a schema.
 *
 * @remarks
 * `fields` documents the data; `schema` validates and types them. Without a schema, the fields'
 * own `type` and `optional` do both.
 * @example
 * ```ts
 * export const CourseEnrolled = defineEvent('course.enrolled', {
 *   description: 'Somebody got a seat in a course.',
 *   fields: { course_id: { description: 'The course.', type: 'string' } },
 * });
 * tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
 * ```
 * @throws {@link ImproperlyConfigured} for an invalid description
 */
export function defineEvent<const Name extends string, S extends StandardSchema<object>>(
  name: Name,
  options: EventTypeOptions<Fields, S> & { schema: S },
): EventType<Name, InputOf<S> & object>;
export function defineEvent<const Name extends string, const F extends Fields>(
  name: Name,
  options: EventTypeOptions<F> & { fields: F; schema?: undefined },
): EventType<Name, DataOf<F>>;
export function defineEvent<const Name extends string>(
  name: Name,
  options: EventTypeOptions & { schema?: undefined; fields?: undefined },
): EventType<Name>;
export function defineEvent(name: string, options: EventTypeOptions): EventType {
  return eventTypeFrom(name, options, captureStack(defineEvent));
}

/**
 * Declares a context type as a value: it types `context` and `enterContext`, and documents the context.
 *
 * @throws {@link ImproperlyConfigured} for an invalid description
 */
export function defineContext<const Name extends string, S extends StandardSchema<object>>(
  name: Name,
  options: TypeOptions<Fields, S> & { schema: S },
): ContextType<Name, InputOf<S> & object>;
export function defineContext<const Name extends string, const F extends Fields>(
  name: Name,
  options: TypeOptions<F> & { fields: F; schema?: undefined },
): ContextType<Name, DataOf<F>>;
export function defineContext<const Name extends string>(
  name: Name,
  options: TypeOptions & { schema?: undefined; fields?: undefined },
): ContextType<Name>;
export function defineContext(name: string, options: TypeOptions): ContextType {
  return describeContext(name, options, captureStack(defineContext));
}

/**
 * Makes an event type, as described by code whose stack is given.
 *
 * @throws {@link ImproperlyConfigured} for an invalid description
 */
export function eventTypeFrom(
  name: string,
  options: EventTypeOptions,
  stack: string,
  contextFields?: Fields,
): EventType {
  const where = `The event type ${describeName(name)}`;
  const described = describe('event', name, options, stack, where);
  checkOptions(options, where, EVENT_KEYS);
  const { contexts = [] } = options;
  return Object.freeze({
    ...described,
    kind: 'event',
    contexts: readContexts(contexts, where),
    contextFields:
      contextFields === undefined ? undefined : readFields(contextFields, 'contextFields', where),
  });
}

/**
 * Makes a context type, as described by code whose stack is given.
 *
 * @throws {@link ImproperlyConfigured} for an invalid description
 */
export function describeContext(name: string, options: TypeOptions, stack: string): ContextType {
  const where = `The context type ${describeName(name)}`;
  const described = describe('context', name, options, stack, where);
  checkOptions(options, where, CONTEXT_KEYS);
  return Object.freeze({ ...described, kind: 'context' });
}

/** Tells an event type, of whichever copy of the package, from other values. */
export function isEventType(value: unknown): value is EventType {
  return kindOf(value) === 'event';
}

/** Tells a context type, of whichever copy of the package, from other values. */
export function isContextType(value: unknown): value is ContextType {
  return kindOf(value) === 'context';
}

/**
 * A list of types of events and contexts.
 *
 * @param where - how the configuration names it, for the message
 * @throws {@link ImproperlyConfigured} for a value that is not a type
 */
export function checkedTypes(types: unknown, where: string): (EventType | ContextType)[] {
  if (typeof types !== 'object' || types === null || !(Symbol.iterator in types)) {
    throw new ImproperlyConfigured(
      `${where}: expected a list of types, received ${describeValue(types)}. Pass for example [CourseEnrolled].`,
    );
  }
  return [...(types as Iterable<unknown>)].map((type, index) => {
    if (isEventType(type) || isContextType(type)) return type;
    throw new ImproperlyConfigured(
      `${where}[${index}]: expected what defineEvent or defineContext returns, received ${describeValue(type)}.`,
    );
  });
}

/** Returns the name of a type; any other value is returned unchanged. */
export function nameOfType<T>(value: T): Exclude<T, DescribedType> | string {
  try {
    if (kindOf(value) !== undefined) return (value as DescribedType).name;
  } catch {
    // A proxy passes for a type and refuses its name.
  }
  return value as Exclude<T, DescribedType>;
}

/** Returns the call stack above a function of the library. */
// oxlint-disable-next-line typescript/no-unsafe-function-type
export function captureStack(callee: Function): string {
  // Only V8 can leave frames out; elsewhere the stack begins within the library.
  const error = new Error('');
  if (typeof Error.captureStackTrace === 'function') Error.captureStackTrace(error, callee);
  return stackIn(error).replace(/^Error\n/, '');
}

function kindOf(value: unknown): unknown {
  try {
    return typeof value === 'object' && value !== null
      ? (value as Record<symbol, unknown>)[KIND]
      : undefined;
  } catch {
    return undefined; // a revoked proxy was passed
  }
}

function describe(
  kind: DescribedType['kind'],
  name: unknown,
  options: unknown,
  stack: string,
  where: string,
): DescribedType {
  if (typeof name !== 'string' || name === '') {
    throw new ImproperlyConfigured(
      `${where}: a name is a string that is not empty, received ${describeValue(name)}.`,
    );
  }
  if (!isPlainObject(options) || typeof options['description'] !== 'string') {
    throw new ImproperlyConfigured(
      `${where}: expected { description: '…' }, received ${describeValue(options)}. Say what it is and when there is one.`,
    );
  }
  const { description, fields, schema, example } = options;
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new ImproperlyConfigured(
      `${where}: schema is a validator that speaks Standard Schema (Zod, Valibot, ArkType, …), received ` +
        `${describeValue(schema)}.`,
    );
  }
  const jsonSchema = schema === undefined ? undefined : jsonSchemaOf(schema);
  const described = {
    kind,
    name,
    description,
    fields: allFields(
      fields === undefined ? undefined : readFields(fields, 'fields', where),
      jsonSchema,
    ),
    isOpen: takesOtherFields(jsonSchema),
    schema,
    standard: schema?.['~standard'],
    jsonSchema,
    example: isPlainObject(example) ? frozenCopyOf(example) : undefined,
    stack,
  };
  Object.defineProperty(described, KIND, { value: kind, enumerable: true });
  return described;
}

function takesOtherFields(jsonSchema: JsonSchema | undefined): boolean {
  const others = jsonSchema?.['additionalProperties'];
  return others !== undefined && others !== false;
}

/** Merges the described fields with those of the validator's schema. */
function allFields(
  said: Record<string, FieldDescription> | undefined,
  jsonSchema: JsonSchema | undefined,
): Record<string, FieldDescription> | undefined {
  const properties = jsonSchema?.['properties'];
  if (!isPlainObject(properties)) return said;
  const required = jsonSchema?.['required'];
  const fields: [string, FieldDescription][] = Object.entries(properties).map(
    ([name, property]) => {
      const own = isPlainObject(property) ? property['description'] : undefined;
      const isRequired = Array.isArray(required) && required.includes(name);
      return [
        name,
        {
          description: typeof own === 'string' ? own : '',
          ...(isRequired ? {} : { optional: true }),
          ...said?.[name],
        },
      ];
    },
  );
  return frozenRecord([
    ...fields,
    ...Object.entries(said ?? {}).filter(([name]) => !Object.hasOwn(properties, name)),
  ]);
}

function readFields(fields: unknown, key: string, where: string): Record<string, FieldDescription> {
  if (!isPlainObject(fields)) {
    throw new ImproperlyConfigured(
      `${where}: ${key} describes fields by name, received ${describeValue(fields)}. Pass for example ` +
        `{ course_id: 'The course.' }.`,
    );
  }
  return frozenRecord(
    Object.entries(fields).map(([name, field]) => [
      name,
      readField(field, `${where}: ${key}.${name}`),
    ]),
  );
}

function readContexts(contexts: unknown, where: string): readonly string[] {
  const names: unknown = Array.isArray(contexts) ? contexts.map(nameOfType) : undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new ImproperlyConfigured(
      `${where}: contexts lists names and context types, received ${describeValue(contexts)}. Pass for example ` +
        `['request', CourseContext].`,
    );
  }
  return Object.freeze(names);
}

function readField(field: unknown, where: string): FieldDescription {
  if (typeof field === 'string') return Object.freeze({ description: field });
  if (!isPlainObject(field) || typeof field['description'] !== 'string') {
    throw new ImproperlyConfigured(
      `${where} is a description or { description: '…' }, received ${describeValue(field)}.`,
    );
  }
  checkOptions(field as unknown as FieldDescription, where, FIELD_KEYS);
  const { description, type, optional, example } = field;
  if (type !== undefined && !isFieldType(type)) {
    throw new ImproperlyConfigured(
      `${where}: type is one of ${FIELD_TYPES.join(', ')}, received ${describeValue(type)}.`,
    );
  }
  return Object.freeze({
    description,
    ...(type === undefined ? {} : { type }),
    ...(optional === true ? { optional } : {}),
    ...(example === undefined ? {} : { example: frozenCopyOf(example) }),
  });
}

function frozenRecord(
  entries: readonly [string, FieldDescription][],
): Record<string, FieldDescription> {
  return Object.freeze(Object.fromEntries(entries));
}

function describeName(name: unknown): string {
  return typeof name === 'string' ? `'${name}'` : describeValue(name);
}
