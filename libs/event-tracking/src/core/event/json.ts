import { isDate, NativeDate } from '../diagnostics/built-in.js';

const { stringify } = JSON;
const { getTime, toISOString, toJSON: dateToJson } = NativeDate.prototype;
const OBJECT = Object.prototype as { toJSON?: unknown };
const ARRAY = Array.prototype as { toJSON?: unknown };

/** Returns the method by which an object chooses its JSON, unless somebody gave it to all objects or all arrays. */
export function toJsonOf(value: object): ((key: string) => unknown) | undefined {
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON !== 'function' || toJSON === OBJECT.toJSON || toJSON === ARRAY.toJSON) {
    return undefined;
  }
  return toJSON as (key: string) => unknown;
}

/** Writes a valid date in RFC 3339. */
export function isoOf(date: Date): string {
  return toISOString.call(date);
}

/**
 * Writes JSON as the language defines it, whatever was done to `JSON` and to the prototypes of built-in objects since.
 *
 * @throws for values that JSON cannot represent
 */
export function toJson(value: unknown): string {
  return stringify(arePrototypesPatched() ? detached(value) : value);
}

function arePrototypesPatched(): boolean {
  return (
    'toJSON' in ARRAY || // also inherited from Object.prototype
    NativeDate.prototype.toJSON !== dateToJson ||
    NativeDate.prototype.toISOString !== toISOString
  );
}

/** Returns a copy that inherits no method. */
function detached(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isDate(value)) return Number.isNaN(getTime.call(value)) ? null : isoOf(value);
  const chosen = toJsonOf(value)?.call(value, '') ?? value;
  return typeof chosen === 'object' && chosen !== null ? detachedMembers(chosen) : chosen;
}

function detachedMembers(value: object): object {
  if (Array.isArray(value)) {
    return Object.setPrototypeOf(Array.from(value as unknown[], detached), null) as object;
  }
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value))
    copy[key] = detached((value as Record<string, unknown>)[key]);
  return copy;
}
