import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Damages a file as a failing disk would. */
export function damageFile(
  path: string,
  kind: 'flip' | 'zero' | 'cut' | 'remove',
  at: number,
): void {
  if (kind === 'remove') return rmSync(path);
  const content = readFileSync(path);
  if (content.length === 0) return;
  const offset = at % content.length;
  if (kind === 'cut') return truncateSync(path, offset);
  if (kind === 'flip') content[offset]! ^= 1 << (at % 8);
  else content.fill(0, offset, Math.min(offset + 4_096, content.length));
  writeFileSync(path, content);
}

/** Returns the names of a store's segments, the oldest first. */
export function segmentsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.events'))
    .sort();
}

/** Copies the files of a store, as if its process died now. */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (!lstatSync(join(from, name), { throwIfNoEntry: false })?.isFile()) continue;
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error; // a concurrent write deleted it
    }
  }
}

/** Returns the content of each file of a store by its path, without the sockets of processes. */
export function contentsOf(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true }) as string[];
  const files = names.filter((name) => lstatSync(join(directory, name)).isFile()).sort();
  return new Map(files.map((name) => [name, readFileSync(join(directory, name)).toString('hex')]));
}

const LENGTH_AT = 8;
const VERSION_AT = 12;
const HEADER_BYTES = 24;

/** Gives a record of a segment another version, with a valid checksum; returns its bytes. */
export function changeVersion(path: string, index: number, version: number): Buffer {
  const content = readFileSync(path);
  let start = 0;
  for (let each = 0; each < index; each++) start += sizeAt(content, start);
  const record = content.subarray(start, start + sizeAt(content, start));
  record[VERSION_AT] = version;
  record.writeUInt32BE(crc32(record.subarray(LENGTH_AT)), 4);
  writeFileSync(path, content);
  return record;
}

function sizeAt(content: Buffer, start: number): number {
  return HEADER_BYTES + content.readUInt32BE(start + LENGTH_AT);
}
