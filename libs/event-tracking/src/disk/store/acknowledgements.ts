import { readFile, rm, truncate, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { codeOf, openPrivateFile, writeAt } from './private-files.js';

/** A run of sequence numbers. */
export interface Range {
  readonly first: number;
  last: number;
}

const ENTRY_BYTES = 16;
const AT = { first: 4, last: 10 } as const;
const SEQUENCE_BYTES = 6;

/**
 * The acknowledgements of one segment, in a file beside it: ranges of sequence numbers, each with a checksum.
 *
 * @remarks They are synced only when a store is closed: one that is lost has its event delivered again.
 */
export class AcknowledgementLog {
  #bytes = 0;
  #isSynced = true;
  #file: FileHandle | undefined;

  constructor(readonly path: string) {}

  /** Returns the acknowledged ranges; skips damaged entries. */
  async read(): Promise<Range[]> {
    const content = await readFile(this.path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    this.#bytes = content.length - (content.length % ENTRY_BYTES);
    if (content.length > this.#bytes) await truncate(this.path, this.#bytes);
    const ranges: Range[] = [];
    for (let at = 0; at < this.#bytes; at += ENTRY_BYTES) {
      const entry = content.subarray(at, at + ENTRY_BYTES);
      if (crc32(entry.subarray(AT.first)) !== entry.readUInt32BE(0)) continue;
      ranges.push({
        first: entry.readUIntBE(AT.first, SEQUENCE_BYTES),
        last: entry.readUIntBE(AT.last, SEQUENCE_BYTES),
      });
    }
    return ranges;
  }

  /** Adds acknowledgements, which survive the death of the process. */
  async append(sequences: readonly number[]): Promise<void> {
    const content = Buffer.concat(rangesOf(sequences).map(encode));
    this.#file ??= await openPrivateFile(this.path, this.#bytes === 0 ? 'w' : 'r+');
    await writeAt(this.#file, content, this.#bytes); // a write that failed half-way is written over
    this.#bytes += content.length;
    this.#isSynced = false;
  }

  /** Makes the acknowledgements survive the death of the machine. */
  async sync(): Promise<void> {
    if (this.#isSynced) return;
    this.#file ??= await openPrivateFile(this.path, 'r+');
    await this.#file.datasync();
    this.#isSynced = true;
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Deletes the file: compaction has put the acknowledgements into the segment, or the segment is gone. */
  async delete(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    this.#bytes = 0;
    this.#isSynced = true;
  }
}

export function rangesOf(sequences: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const sequence of sequences.toSorted((a, b) => a - b)) {
    const current = ranges.at(-1);
    if (current !== undefined && sequence <= current.last + 1) current.last = sequence;
    else ranges.push({ first: sequence, last: sequence });
  }
  return ranges;
}

function encode({ first, last }: Range): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.writeUIntBE(first, AT.first, SEQUENCE_BYTES);
  entry.writeUIntBE(last, AT.last, SEQUENCE_BYTES);
  entry.writeUInt32BE(crc32(entry.subarray(AT.first)), 0);
  return entry;
}
