/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3): a number of seconds, or a date.
 *
 * @returns milliseconds from now; undefined if the header is missing or malformed
 */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
