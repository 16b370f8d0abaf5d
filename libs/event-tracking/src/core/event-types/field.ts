/** The types that a field can declare. */
export interface FieldTypes {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  date: Date;
  array: readonly unknown[];
  object: object;
}

export const FIELD_TYPES: readonly (keyof FieldTypes)[] = [
  'string',
  'number',
  'integer',
  'boolean',
  'date',
  'array',
  'object',
];

export function isFieldType(value: unknown): value is keyof FieldTypes {
  return FIELD_TYPES.includes(value as keyof FieldTypes);
}

/** The documentation of a field. */
export interface FieldDescription {
  /** Describes the field and its unit. */
  readonly description: string;
  /**
   * Which kind of value it has; types `emit`, and is checked when an event is emitted.
   *
   * @default any
   */
  readonly type?: keyof FieldTypes;
  /**
   * Whether it may be missing.
   *
   * @default false
   */
  readonly optional?: boolean;
  /** A value, for readers of the documentation. */
  readonly example?: unknown;
}

/** Fields by name: each with its description alone, or with more. */
export type Fields = Readonly<Record<string, string | FieldDescription>>;

/** The data that fields describe. */
export type DataOf<F extends Fields> = Flat<
  { [K in keyof F as F[K] extends { optional: true } ? never : K]: ValueOf<F[K]> } & {
    [K in keyof F as F[K] extends { optional: true } ? K : never]?: ValueOf<F[K]> | undefined;
  }
>;

type ValueOf<F> = F extends { type: keyof FieldTypes } ? FieldTypes[F['type']] : unknown;

/** Expands a type in the compiler's messages; without the intersection they show `Flat<…>`. */
type Flat<T> = { [K in keyof T]: T[K] } & {};
