import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PassThrough } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from '../usage-error.js';

/** A line of text, or an element of a JSON array. */
export interface Line {
  /** For messages: `line 7`. */
  readonly place: string;
  /** Undefined if the bytes are not UTF-8. */
  readonly text: string | undefined;
}

const NEWLINE = 0x0a;
/** Bounds the memory for one line; larger ones are not lines of events. */
const MAX_LINE_BYTES = 128 * 2 ** 20;

/**
 * Reads the lines of a log, which may be compressed with gzip, and may begin with a byte order
 * mark. A JSON array is read as its elements.
 *
 * @remarks
 * Splits at `\n` alone: Node's readline also splits at U+2028 and U+2029, which JSON may contain.
 * @throws {@link UsageError} if the bytes are not a log in UTF-8
 */
export async function* readLines(stream: Readable, name: string): AsyncGenerator<Line> {
  let number = 0;
  const array: string[] = [];
  for await (const bytes of splitLines(await uncompressed(stream, name), name)) {
    number++;
    const text = decode(bytes);
    const isArray =
      array.length > 0 || (number === 1 && text?.trimStart().startsWith('[') === true);
    if (isArray) array.push(text ?? '');
    else yield { place: `line ${number}`, text };
  }
  if (array.length > 0) yield* elementsOf(array.join('\n'), name);
}

function* elementsOf(text: string, name: string): Generator<Line> {
  let elements: unknown;
  try {
    elements = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `--from: ${name} begins like a JSON array, but is not valid JSON. Write one event per line.`,
      { cause },
    );
  }
  for (const [index, element] of (elements as unknown[]).entries()) {
    yield { place: `element ${index + 1}`, text: JSON.stringify(element) };
  }
}

/** Recognises gzip by its first bytes, because the standard input has no file name. */
async function uncompressed(stream: Readable, name: string): Promise<AsyncIterable<Buffer>> {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 2) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  const whole = withStart(start, chunks);
  const [first, second] = start;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new UsageError(`--from: ${name} must be encoded in UTF-8; it is encoded in UTF-16.`);
  }
  if (first !== 0x1f || second !== 0x8b) return whole;
  const output = new PassThrough();
  pipeline(whole, createGunzip(), output).catch((error: unknown) => output.destroy(error as Error));
  return output;
}

async function* withStart(
  start: Buffer,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  if (start.length > 0) yield start;
  yield* { [Symbol.asyncIterator]: () => rest };
}

async function* splitLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [];
      size = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > MAX_LINE_BYTES) {
      throw new UsageError(
        `--from: ${name} must have lines of at most ${MAX_LINE_BYTES} bytes. Write one event per line.`,
      );
    }
  }
  if (pending.length > 0) yield Buffer.concat(pending);
}

/** Each line may begin with a byte order mark, where files were concatenated. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r$/, '');
  } catch {
    return undefined;
  }
}
