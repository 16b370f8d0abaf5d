import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { MANIFEST, textOfManifest } from './manifest.js';
import { DIRECTORY_MODE, FILE_MODE, UNFINISHED } from './private-files.js';
import { encodeCommit, type RecordContent } from './record.js';
import { Segment } from './segment.js';

/** Begins the name of a store that a process has left while it exited; no process writes to it. */
const PREFIX = 'exit-';
const FIRST = 1;

/** Whether a store was left by a process that exited, to be delivered and deleted. */
export function isEmergencyStore(location: string): boolean {
  const name = basename(location);
  return name.startsWith(PREFIX) && !name.endsWith(UNFINISHED);
}

/**
 * Writes records to a store of their own, synchronously; they survive the death of the machine.
 *
 * @remarks
 * A store of its own, because the one of this process may be in the middle of an asynchronous write, or not open yet.
 * @throws if the disk cannot be written to
 */
export function writeEmergencyStore(directory: string, contents: readonly RecordContent[]): void {
  const location = join(directory, `${PREFIX}${randomUUID()}`);
  const unfinished = `${location}${UNFINISHED}`;
  mkdirSync(unfinished, { recursive: true, mode: DIRECTORY_MODE });
  try {
    const records = encodeCommit(contents, FIRST);
    const last = FIRST + contents.length - 1;
    const manifest = textOfManifest({
      next: last + 1,
      segments: [{ first: FIRST, last, bytes: records.length }],
    });
    writeDurably(new Segment(unfinished, FIRST).path, records);
    writeDurably(join(unfinished, MANIFEST), manifest);
    renameSync(unfinished, location);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  syncDirectory(location);
  syncDirectory(directory);
}

function writeDurably(path: string, content: Buffer | string): void {
  const file = openSync(path, 'wx', FILE_MODE);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return; // directories cannot be opened there
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
