import { isAsymmetricMatcher, isKeyed } from './differences.js';

/** Formats a value for a message. */
export type WriteValue = (value: unknown) => string;

const MAX_DEPTH = 20;

/**
 * Formats a value on one line, as JSON where JSON can represent it.
 *
 * @param stringify - formats all other objects, such as matchers: `Any<String>`
 */
export function writeValue(value: unknown, stringify: WriteValue = String, depth = 0): string {
  if (isAsymmetricMatcher(value)) return stringify(value).replaceAll(/\s+/g, ' ');
  if (Array.isArray(value) || isKeyed(value)) {
    if (depth >= MAX_DEPTH) return '…';
    const write = (member: unknown): string => writeValue(member, stringify, depth + 1);
    if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
    const members = Object.entries(value).map(
      ([key, member]) => `${JSON.stringify(key)}:${write(member)}`,
    );
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return typeof value === 'object' && value !== null ? stringify(value) : String(value);
}
