/** Formats a value for people: strings without quotes, and `undefined` as a dash. */
export function textOf(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
