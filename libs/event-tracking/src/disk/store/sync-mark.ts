import { readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { openPrivateFile, writeAt } from './private-files.js';

/** The file of a store that records how far it was synced. */
export const SYNC_MARK = 'synced';
const BYTES = 10;
const AT_SEQUENCE = 4;
const SEQUENCE_BYTES = 6;

/**
 * Records up to which sequence number the store's records are durable, so that a file that was cut short can be
 * told from one whose last write was never finished.
 *
 * @remarks It is written after each sync and not synced itself: after a power cut it may be behind, never ahead.
 */
export class SyncMark {
  #file: FileHandle | undefined;

  constructor(private readonly location: string) {}

  /** Returns the number; 0 where there is none or it is damaged. */
  async read(): Promise<number> {
    const content = await readFile(join(this.location, SYNC_MARK)).catch(() => Buffer.alloc(0));
    if (content.length !== BYTES) return 0;
    if (crc32(content.subarray(AT_SEQUENCE)) !== content.readUInt32BE(0)) return 0;
    return content.readUIntBE(AT_SEQUENCE, SEQUENCE_BYTES);
  }

  async write(sequence: number): Promise<void> {
    this.#file ??= await openPrivateFile(join(this.location, SYNC_MARK), 'w');
    const content = Buffer.alloc(BYTES);
    content.writeUIntBE(sequence, AT_SEQUENCE, SEQUENCE_BYTES);
    content.writeUInt32BE(crc32(content.subarray(AT_SEQUENCE)), 0);
    await writeAt(this.#file, content, 0);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
