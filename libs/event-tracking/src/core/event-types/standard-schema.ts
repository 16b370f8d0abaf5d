/** The result of a validator, with the issues that it found, if any. */
export interface SchemaResult {
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** A problem that a validator found. */
export interface SchemaIssue {
  readonly message: string;
  /** The keys that lead to it, outermost first. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A validator of any library that implements Standard Schema: Zod, Valibot, ArkType and others.
 *
 * @see {@link https://standardschema.dev}
 */
export interface StandardSchema<Input = unknown, Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Present if the library also implements Standard JSON Schema. */
    readonly jsonSchema?:
      | {
          readonly input: (options: {
            readonly target: 'draft-2020-12';
            readonly libraryOptions?: Record<string, unknown> | undefined;
          }) => JsonSchema;
        }
      | undefined;
  };
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

/** The input type of a validator. */
export type InputOf<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['input'];

/** Whether a value is a validator that implements Standard Schema; those of ArkType are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}
