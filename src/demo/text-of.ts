/** Writes a value as a person would: strings without quotes, and what is missing as a dash. */
export function textOf(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
