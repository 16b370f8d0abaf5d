import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openPrivateFile, syncDirectory, UNFINISHED, writeAt } from './private-files.js';
import { RecordReader } from './record-reader.js';
import { encodeGap } from './record.js';
import type { Segment } from './segment.js';

/**
 * Writes a segment again without its acknowledged records, which leave their sequence numbers behind.
 *
 * @remarks Records that wait keep their bytes, those of a newer release too.
 */
export async function compactSegment(segment: Segment): Promise<void> {
  const unfinished = `${segment.path}.${randomUUID()}${UNFINISHED}`;
  let size = 0;
  const reader = new RecordReader(segment.path);
  try {
    await using file = await openPrivateFile(unfinished, 'wx');
    const append = async (content: Buffer): Promise<void> => {
      await writeAt(file, content, size);
      size += content.length;
    };
    let next = segment.first;
    const offsets = new Map<number, number>();
    let live = 0;
    for (;;) {
      const records = await reader.read(segment.bytes);
      if (records.length === 0) break;
      const kept: Buffer[] = [];
      let offset = size;
      const keep = (content: Buffer): void => {
        kept.push(content);
        offset += content.length;
      };
      for (const { sequence, gapEnd, bytes } of records) {
        if (gapEnd !== undefined || segment.isDone(sequence)) continue;
        if (sequence > next) keep(encodeGap(next, sequence - 1));
        if (segment.replacements.has(sequence)) offsets.set(sequence, offset);
        keep(bytes);
        live++;
        next = sequence + 1;
      }
      await append(Buffer.concat(kept));
    }
    if (live < segment.live) {
      segment.isDamaged = true; // its readers report what is missing
      await rm(unfinished, { force: true });
      return;
    }
    if (next <= segment.last) await append(encodeGap(next, segment.last));
    await file.sync();
    await rename(unfinished, segment.path);
    for (const [sequence, offset] of offsets) {
      const replacement = segment.replacements.get(sequence);
      if (replacement !== undefined) replacement.offset = offset;
    }
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    await reader.close();
  }
  segment.bytes = size;
  segment.generation++;
  await syncDirectory(dirname(segment.path));
  await segment.acknowledgements.delete();
}
