import { open, type FileHandle } from 'node:fs/promises';
import { codeOf } from './private-files.js';
import { nextMagic, readRecord, type RawRecord } from './record.js';

const CHUNK_BYTES = 256 * 1024;
const MAGIC_BYTES = 4;

/** Reads the valid records of a file in large pieces, and finds the next one after damage. */
export class RecordReader {
  /** Where the last valid record ends. */
  validEnd: number;
  /** Whether invalid bytes stand in front of a valid record. */
  hasDamage = false;
  #isAfterDamage = false;
  #offset: number;
  #neededBytes = 0;
  #buffer = Buffer.alloc(0);
  #file: FileHandle | undefined;

  constructor(
    private readonly path: string,
    offset = 0,
  ) {
    this.#offset = offset;
    this.validEnd = offset;
  }

  /**
   * Returns the next records below an end, at least one; an empty list when there are none, or no file.
   *
   * @remarks The bytes of the records are valid until the next call.
   */
  async read(end: number): Promise<RawRecord[]> {
    let limit = end;
    while (this.#offset < limit) {
      const chunk = await this.#readChunk(limit);
      if (chunk.length < Math.min(this.#buffer.length, limit - this.#offset)) {
        limit = this.#offset + chunk.length; // the file is shorter
      }
      const records = this.#parse(chunk, limit);
      if (records.length > 0) return records;
    }
    return [];
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #readChunk(limit: number): Promise<Buffer> {
    try {
      this.#file ??= await open(this.path, 'r');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    }
    const wanted = Math.max(this.#neededBytes, Math.min(CHUNK_BYTES, limit - this.#offset));
    if (this.#buffer.length < wanted) {
      this.#buffer = Buffer.allocUnsafe(
        Math.max(wanted, this.#neededBytes, 2 * this.#buffer.length),
      );
    }
    const size = Math.min(this.#buffer.length, limit - this.#offset);
    let length = 0;
    while (length < size) {
      const at = this.#offset + length;
      const { bytesRead } = await this.#file.read(this.#buffer, length, size - length, at);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return this.#buffer.subarray(0, length);
  }

  #parse(buffer: Buffer, limit: number): RawRecord[] {
    const start = this.#offset;
    const records: RawRecord[] = [];
    let at = 0;
    this.#neededBytes = 0;
    while (at < buffer.length) {
      const record = readRecord(buffer, at, { start, end: limit });
      if (typeof record === 'number') {
        this.#neededBytes = record;
        break;
      }
      if (record === undefined) {
        this.#isAfterDamage = true;
        at = afterDamage(buffer, at);
        continue;
      }
      if (this.#isAfterDamage) this.hasDamage = true;
      this.#isAfterDamage = false;
      records.push(record);
      at += record.bytes.length;
      this.validEnd = start + at;
    }
    this.#offset = start + at;
    return records;
  }
}

/** Returns where to look on after an invalid record; the last bytes may be the beginning of a valid one. */
function afterDamage(buffer: Buffer, at: number): number {
  const next = nextMagic(buffer, at + 1);
  if (next !== -1) return next;
  return Math.max(at + 1, buffer.length - MAGIC_BYTES + 1);
}
