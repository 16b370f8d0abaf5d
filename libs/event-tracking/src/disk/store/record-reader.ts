import { open } from 'node:fs/promises';
import { nextMagic, readRecord, type LocatedRecord } from './record.js';

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
  #chunkBytes = CHUNK_BYTES;

  constructor(
    private readonly path: string,
    offset = 0,
  ) {
    this.#offset = offset;
    this.validEnd = offset;
  }

  /** Returns the next records below an end, at least one; an empty list when there are none. */
  async read(end: number): Promise<LocatedRecord[]> {
    await using file = await open(this.path, 'r');
    let limit = Math.min(end, (await file.stat()).size);
    while (this.#offset < limit) {
      const size = Math.min(this.#chunkBytes, limit - this.#offset);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, this.#offset);
      if (bytesRead < size) limit = this.#offset + bytesRead; // somebody has cut the file meanwhile
      const records = this.#parse(buffer.subarray(0, bytesRead), limit);
      if (records.length > 0) return records;
    }
    return [];
  }

  #parse(buffer: Buffer, limit: number): LocatedRecord[] {
    const start = this.#offset;
    const records: LocatedRecord[] = [];
    let at = 0;
    this.#chunkBytes = CHUNK_BYTES;
    while (at < buffer.length) {
      const record = readRecord(buffer, at, limit - start - at);
      if (typeof record === 'number') {
        this.#chunkBytes = Math.max(CHUNK_BYTES, record);
        break;
      }
      if (record === undefined) {
        this.#isAfterDamage = true;
        at = afterDamage(buffer, at);
        continue;
      }
      if (this.#isAfterDamage) this.hasDamage = true;
      this.#isAfterDamage = false;
      records.push({ ...record, offset: start + at });
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
