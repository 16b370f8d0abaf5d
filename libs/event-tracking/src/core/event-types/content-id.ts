import { isDate } from '../diagnostics/built-in.js';
import { compareCodePoints } from '../event/compare-code-points.js';
import { isPlainObject } from '../event/event.js';
import { toJson } from '../event/json.js';

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/**
 * An id that the content alone decides: 16 hexadecimal digits, the same in every process and on every machine.
 *
 * @remarks The 64-bit FNV-1a hash of the content as JSON with its keys in order; it tells versions apart and keeps no secret.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9923}
 */
export function contentId(content: unknown): string {
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(canonicalJson(content))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}

function canonicalJson(content: unknown): string {
  return toJson(ordered(content));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isPlainObject(value) || isDate(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compareCodePoints(a, b));
  return Object.fromEntries(entries.map(([key, member]) => [key, ordered(member)]));
}
