/** The result of a validator: the issues that it found, or none. */
export interface SchemaResult {
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** Something that a validator found wrong. */
export interface SchemaIssue {
  readonly message: string;
  /** The keys that lead to it, outermost first. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A validator of any library that speaks Standard Schema: Zod, Valibot, ArkType and others.
 *
 * @see {@link https://standardschema.dev}
 */
export interface StandardSchema<Input = unknown, Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Where the library speaks Standard JSON Schema too. */
    readonly jsonSchema?:
      { readonly input: (options: { readonly target: 'draft-2020-12' }) => JsonSchema } | undefined;
  };
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

/** The input type of a validator. */
export type InputOf<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['input'];

/** Tells whether a value is a validator that speaks Standard Schema; ArkType's are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}

/** Returns the validator's JSON Schema; undefined if it cannot express all of itself. */
export function jsonSchemaOf(schema: StandardSchema): JsonSchema | undefined {
  try {
    return schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  } catch {
    return undefined; // a date, for one, is nothing that JSON Schema has
  }
}
