import type { KeysOf } from '../diagnostics/check-options.js';
import { describeValue, quoteName } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import { stackIn } from './call-site.js';
import { noteDeclaredType } from './declared-types.js';
import type { DataOf, FieldDescription, Fields } from './field.js';
import { readFields, readTypeOptions, type TypeOptions } from './read-type-options.js';
import { checkedTransactionMode, type TransactionMode } from './transaction-mode.js';
import type { InputOf, JsonSchema, StandardSchema } from './standard-schema.js';

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
  /** The properties of Standard Schema, read once: libraries may create them for each access. */
  readonly standard: StandardSchema['~standard'] | undefined;
  /** The JSON Schema of delivered values, as far as the validator can be expressed. */
  readonly jsonSchema: JsonSchema | undefined;
  /** The paths of the validator's parts that JSON Schema cannot express. */
  readonly unexpressed: readonly string[];
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
  /** Whether such events wait for the end of a transaction; undefined if the tracker decides. */
  readonly transaction: TransactionMode | undefined;
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

/** Describes an event type. */
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
  /**
   * Whether events that are emitted in a transaction wait for its end.
   *
   * @default the tracker's `transaction`
   */
  transaction?: TransactionMode;
}

const CONTEXT_KEYS: KeysOf<TypeOptions> = {
  description: true,
  fields: true,
  schema: true,
  example: true,
};
const EVENT_KEYS: KeysOf<EventTypeOptions> = {
  ...CONTEXT_KEYS,
  contexts: true,
  transaction: true,
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
 * @throws {@link ImproperlyConfigured} if the name or an option is invalid
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
  const type = eventTypeFrom(name, options, captureStack(defineEvent));
  noteDeclaredType(type);
  return type;
}

/**
 * Declares a context type as a value: it types `context` and `enterContext`, and documents the context.
 *
 * @throws {@link ImproperlyConfigured} if the name or an option is invalid
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
  const type = describeContext(name, options, captureStack(defineContext));
  noteDeclaredType(type);
  return type;
}

/**
 * Creates an event type.
 *
 * @param stack - the stack of the code that describes it
 * @throws {@link ImproperlyConfigured} if the name or an option is invalid
 */
export function eventTypeFrom(
  name: string,
  options: EventTypeOptions,
  stack: string,
  contextFields?: Fields,
): EventType {
  const where = `The event type ${quoteName(name)}`;
  const read = readTypeOptions(name, options, where, EVENT_KEYS);
  return declared({
    ...read,
    kind: 'event',
    stack,
    contexts: readContexts(options.contexts ?? [], where),
    transaction: checkedTransactionMode(options.transaction, `${where}: `),
    contextFields:
      contextFields === undefined ? undefined : readFields(contextFields, 'contextFields', where),
  });
}

/**
 * Creates a context type.
 *
 * @param stack - the stack of the code that describes it
 * @throws {@link ImproperlyConfigured} if the name or an option is invalid
 */
export function describeContext(name: string, options: TypeOptions, stack: string): ContextType {
  const where = `The context type ${quoteName(name)}`;
  const read = readTypeOptions(name, options, where, CONTEXT_KEYS);
  return declared({ ...read, kind: 'context', stack });
}

/** Whether a value is an event type, of any copy of the package. */
export function isEventType(value: unknown): value is EventType {
  return kindOf(value) === 'event';
}

/** Whether a value is a context type, of any copy of the package. */
export function isContextType(value: unknown): value is ContextType {
  return kindOf(value) === 'context';
}

/**
 * Checks a list of event types and context types.
 *
 * @param where - names the list in messages
 * @throws {@link ImproperlyConfigured} for a value that is not a type
 */
export function checkedTypes(types: unknown, where: string): (EventType | ContextType)[] {
  if (typeof types !== 'object' || types === null || !(Symbol.iterator in types)) {
    throw new ImproperlyConfigured(
      `${where} must be a list of types; received ${describeValue(types)}. Pass, for example, [CourseEnrolled].`,
    );
  }
  return [...(types as Iterable<unknown>)].map((type, index) => {
    if (isEventType(type) || isContextType(type)) return type;
    throw new ImproperlyConfigured(
      `${where}[${index}] must be a type that defineEvent or defineContext returned; received ${describeValue(type)}. ` +
        `If it is undefined, look for a circular import.`,
    );
  });
}

/** Returns the name of a type; any other value is returned unchanged. */
export function nameOfType<T>(value: T): Exclude<T, DescribedType> | string {
  try {
    if (kindOf(value) !== undefined) return (value as DescribedType).name;
  } catch {
    // A proxy can pass for a type and still throw for its name.
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

/** Marks and freezes a type. */
function declared<T extends DescribedType>(type: T): T {
  Object.defineProperty(type, KIND, { value: type.kind, enumerable: true });
  return Object.freeze(type);
}

function readContexts(contexts: unknown, where: string): readonly string[] {
  const names: unknown = Array.isArray(contexts) ? contexts.map(nameOfType) : undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new ImproperlyConfigured(
      `${where}: contexts must be a list of names and context types; received ${describeValue(contexts)}. ` +
        `Pass, for example, ['request', CourseContext].`,
    );
  }
  return Object.freeze(names);
}
