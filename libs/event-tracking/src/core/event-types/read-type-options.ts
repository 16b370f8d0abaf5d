import { checkOptions, type KeysOf } from '../diagnostics/check-options.js';
import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import { isPlainObject } from '../event/event.js';
import { frozenCopyOf } from '../event/snapshot.js';
import { FIELD_TYPES, isFieldType, type FieldDescription, type Fields } from './field.js';
import { isStandardSchema, type JsonSchema, type StandardSchema } from './standard-schema.js';
import { expressAsJsonSchema } from './express-as-json-schema.js';

/** Describes an event type or a context type. */
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
   * A validator that implements Standard Schema: of Zod, Valibot, ArkType, …
   *
   * @default none
   */
  schema?: S;
  /**
   * Values, for readers of the documentation.
   *
   * @default the examples of the fields
   */
  example?: object;
}

export interface ReadTypeOptions {
  readonly name: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, FieldDescription>> | undefined;
  readonly isOpen: boolean;
  readonly schema: StandardSchema | undefined;
  readonly standard: StandardSchema['~standard'] | undefined;
  readonly jsonSchema: JsonSchema | undefined;
  readonly unexpressed: readonly string[];
  readonly example: Readonly<Record<string, unknown>> | undefined;
}

const FIELD_KEYS: KeysOf<FieldDescription> = {
  description: true,
  type: true,
  optional: true,
  example: true,
};

/**
 * Reads the options that event types and context types share.
 *
 * @param where - names the type in messages
 * @param keys - the supported options
 * @throws {@link ImproperlyConfigured} if the name or an option is invalid
 */
export function readTypeOptions<Options extends TypeOptions>(
  name: unknown,
  options: unknown,
  where: string,
  keys: KeysOf<Options>,
): ReadTypeOptions {
  if (typeof name !== 'string' || name === '') {
    throw new ImproperlyConfigured(
      `${where}: the name must be a string that is not empty; received ${describeValue(name)}.`,
    );
  }
  if (!isPlainObject(options)) {
    throw new ImproperlyConfigured(
      `${where}: options must be an object such as { description: '…' }; received ${describeValue(options)}. ` +
        `Describe the meaning of the type and when it occurs.`,
    );
  }
  checkOptions(options as unknown as Options, where, keys);
  const { description, fields, schema, example } = options;
  if (typeof description !== 'string') {
    throw new ImproperlyConfigured(
      `${where}: description must be a string; received ${describeValue(description)}. ` +
        `Describe the meaning of the type and when it occurs.`,
    );
  }
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new ImproperlyConfigured(
      `${where}: schema must be a validator that implements Standard Schema (Zod, Valibot, ArkType, …); ` +
        `received ${describeValue(schema)}.`,
    );
  }
  const { jsonSchema, unexpressed } =
    schema === undefined ? NOTHING_EXPRESSED : expressAsJsonSchema(schema);
  const described = fields === undefined ? undefined : readFields(fields, 'fields', where);
  return {
    name,
    description,
    fields: allFields(described, jsonSchema),
    isOpen: allowsOtherFields(jsonSchema),
    schema,
    standard: schema?.['~standard'],
    jsonSchema,
    unexpressed: unexpressed.filter((path) => described?.[path]?.type === undefined),
    example: isPlainObject(example) ? frozenCopyOf(example) : undefined,
  };
}

const NOTHING_EXPRESSED = { jsonSchema: undefined, unexpressed: [] };

function allowsOtherFields(jsonSchema: JsonSchema | undefined): boolean {
  const others = jsonSchema?.['additionalProperties'];
  return others !== undefined && others !== false;
}

/** Merges the described fields with those of the validator's schema. */
function allFields(
  described: Record<string, FieldDescription> | undefined,
  jsonSchema: JsonSchema | undefined,
): Record<string, FieldDescription> | undefined {
  const properties = jsonSchema?.['properties'];
  if (!isPlainObject(properties)) return described;
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
          ...described?.[name],
        },
      ];
    },
  );
  return frozenRecord([
    ...fields,
    ...Object.entries(described ?? {}).filter(([name]) => !Object.hasOwn(properties, name)),
  ]);
}

/**
 * Reads descriptions of fields by name.
 *
 * @param key - the option that describes them, for messages
 * @throws {@link ImproperlyConfigured} if a description is invalid
 */
export function readFields(
  fields: unknown,
  key: string,
  where: string,
): Record<string, FieldDescription> {
  if (!isPlainObject(fields)) {
    throw new ImproperlyConfigured(
      `${where}: ${key} must be an object of descriptions by field name; received ${describeValue(fields)}. ` +
        `Pass, for example, { course_id: 'The course.' }.`,
    );
  }
  return frozenRecord(
    Object.entries(fields).map(([name, field]) => [
      name,
      readField(field, `${where}: ${key}.${name}`),
    ]),
  );
}

function readField(field: unknown, where: string): FieldDescription {
  if (typeof field === 'string') return Object.freeze({ description: field });
  if (!isPlainObject(field) || typeof field['description'] !== 'string') {
    throw new ImproperlyConfigured(
      `${where} must be a description or an object such as { description: '…' }; received ${describeValue(field)}.`,
    );
  }
  checkOptions(field as unknown as FieldDescription, where, FIELD_KEYS);
  const { description, type, optional, example } = field;
  if (type !== undefined && !isFieldType(type)) {
    throw new ImproperlyConfigured(
      `${where}: type must be one of ${FIELD_TYPES.join(', ')}; received ${describeValue(type)}.`,
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
