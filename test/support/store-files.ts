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

/** Damages a file in one of the ways in which disks do. */
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

/** Copies the files of a store, as a process leaves them that dies now. */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (!lstatSync(join(from, name), { throwIfNoEntry: false })?.isFile()) continue;
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error; // deleted by a write under way
    }
  }
}
