/** The longest text that is read from a request, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 1024;

/** No UTF-16 code unit takes more than three bytes of UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

/** Cuts a text to {@link MAX_TEXT_BYTES}, between two code points. */
export function limitText(text: string): string {
  if (text.length * MAX_BYTES_PER_UNIT <= MAX_TEXT_BYTES) return text;
  if (text.length <= MAX_TEXT_BYTES && Buffer.byteLength(text) <= MAX_TEXT_BYTES) return text;
  const bytes = Buffer.from(text.slice(0, MAX_TEXT_BYTES));
  let end = MAX_TEXT_BYTES;
  while (end < bytes.length && isContinuation(bytes[end]!)) end--;
  // Decoded, because a slice would keep the whole text in memory.
  return bytes.toString('utf8', 0, end);
}

/** Cuts each text of a value, at any depth, in place. */
export function limitTexts(values: Record<string, unknown> | unknown[]): void {
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'string') (values as Record<string, unknown>)[key] = limitText(value);
    else if (typeof value === 'object' && value !== null)
      limitTexts(value as Record<string, unknown>);
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
