import { isPlainObject } from '../event/event.js';
import type { JsonSchema, StandardSchema } from './standard-schema.js';

export interface ExpressedSchema {
  /** Undefined if the validator's library provides no JSON Schema. */
  readonly jsonSchema: JsonSchema | undefined;
  /** The paths of parts that it cannot express, joined by dots; an empty path is the whole. */
  readonly unexpressed: readonly string[];
}

/** Marks a part of a schema until the paths of all such parts are collected. */
const MARK = 'x-unexpressed';
const UNEXPRESSED: JsonSchema = { [MARK]: true };
/** The parts as events deliver them. */
const DATE: JsonSchema = { type: 'string', format: 'date-time' };
const BIGINT: JsonSchema = { type: 'string', pattern: '^-?\\d+$' };
const LIST: JsonSchema = { type: 'array' };

/**
 * Expresses a validator as the JSON Schema of the data that it lets pass.
 *
 * @remarks
 * Events deliver data as it was passed, not as the validator transforms it. So this is the input
 * side of transforms, and a part that coerces its input allows any value. Parts without a
 * counterpart in JSON Schema allow any value too, and do not cost the others.
 */
export function expressAsJsonSchema(schema: StandardSchema): ExpressedSchema {
  const { jsonSchema: source, vendor } = schema['~standard'];
  const libraryOptions = LENIENT_OPTIONS[vendor];
  const attempts = libraryOptions === undefined ? [{}] : [{ libraryOptions }, {}];
  for (const options of attempts) {
    try {
      const expressed = source?.input({ target: 'draft-2020-12', ...options });
      if (expressed === undefined) break;
      const unexpressed: string[] = [];
      return { jsonSchema: withoutMarks(expressed, [], unexpressed) as JsonSchema, unexpressed };
    } catch {
      // The library knows no lenient options, or has no JSON Schema for a part.
    }
  }
  return { jsonSchema: undefined, unexpressed: [''] };
}

/** The options by which each library continues where it would throw. */
const LENIENT_OPTIONS: Readonly<Record<string, Record<string, unknown>>> = {
  zod: { unrepresentable: 'any', override: overrideZod },
  arktype: { fallback: expressArkTypePart },
  valibot: { errorMode: 'ignore', overrideSchema: expressValibotPart },
};

interface ZodSchema {
  readonly _zod: { readonly def: ZodDefinition };
}

interface ZodPart {
  readonly zodSchema: ZodSchema;
  readonly jsonSchema: JsonSchema;
}

interface ZodDefinition {
  readonly type: string;
  readonly coerce?: boolean;
  readonly in?: ZodSchema;
  readonly shape?: Readonly<Record<string, ZodSchema>>;
}

const ZOD_PARTS: Readonly<Record<string, JsonSchema>> = {
  date: DATE,
  bigint: BIGINT,
  map: LIST,
  set: LIST,
  symbol: UNEXPRESSED,
  undefined: UNEXPRESSED,
  void: UNEXPRESSED,
  nan: UNEXPRESSED,
  custom: UNEXPRESSED,
  function: UNEXPRESSED,
  promise: UNEXPRESSED,
  transform: UNEXPRESSED,
};
const ANNOTATIONS = new Set(['title', 'description', 'examples', 'deprecated', 'default']);

function overrideZod({ zodSchema, jsonSchema }: ZodPart): void {
  const { def } = zodSchema._zod;
  const isPreprocessed = def.type === 'pipe' && def.in?._zod.def.type === 'transform';
  if (def.coerce === true || def.type === 'catch' || isPreprocessed) {
    for (const key of Object.keys(jsonSchema)) if (!ANNOTATIONS.has(key)) delete jsonSchema[key];
    return;
  }
  const { required } = jsonSchema;
  if (Array.isArray(required)) {
    jsonSchema['required'] = required.filter(
      (name: string) => def.shape?.[name]?._zod.def.type !== 'catch',
    );
  }
  const part = ZOD_PARTS[def.type];
  const hasContent = Object.keys(jsonSchema).some((key) => !ANNOTATIONS.has(key));
  if (part !== undefined && !hasContent) Object.assign(jsonSchema, part);
}

function expressArkTypePart(part: { code: string; base: JsonSchema; domain?: string }): JsonSchema {
  if (part.code === 'date') return { ...part.base, ...DATE };
  if (part.domain === 'bigint') return { ...part.base, ...BIGINT };
  return { ...part.base, ...UNEXPRESSED };
}

const VALIBOT_PARTS: Readonly<Record<string, JsonSchema>> = {
  date: DATE,
  bigint: BIGINT,
  map: LIST,
  set: LIST,
};

function expressValibotPart(part: {
  valibotSchema: { type: string };
  errors?: readonly unknown[];
}): JsonSchema | undefined {
  if (part.errors === undefined || part.errors.length === 0) return undefined;
  return VALIBOT_PARTS[part.valibotSchema.type] ?? UNEXPRESSED;
}

/** Keywords that lead to parts without a name of their own. */
const UNNAMED = new Set(['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf']);
/** Keywords whose values only look like schemas. */
const VALUES = new Set(['const', 'enum', 'default', 'examples']);

function withoutMarks(schema: unknown, path: readonly string[], found: string[]): unknown {
  if (Array.isArray(schema)) return schema.map((part) => withoutMarks(part, path, found));
  if (!isPlainObject(schema)) return schema;
  if (schema[MARK] === true) {
    const name = path.join('.');
    if (!found.includes(name)) found.push(name);
  }
  return mapped(schema, (part, key) => {
    if (key === MARK) return undefined;
    if (VALUES.has(key)) return part;
    if (key !== 'properties' || !isPlainObject(part)) {
      return withoutMarks(part, UNNAMED.has(key) ? path : [...path, key], found);
    }
    return mapped(part, (property, name) => withoutMarks(property, [...path, name], found));
  });
}

function mapped(
  schema: JsonSchema,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema)
      .map(([key, value]) => [key, change(value, key)] as const)
      .filter(([, value]) => value !== undefined),
  );
}
