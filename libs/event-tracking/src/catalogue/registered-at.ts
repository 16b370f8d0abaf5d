import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/**
 * The folder of this package, whose stack frames are skipped. This file is two folders below it,
 * built or not.
 */
const LIBRARY = fileURLToPath(new URL('../../', import.meta.url));

/** Matches a stack frame, with its location in brackets or alone. */
const FRAME = /^at (?:[^(]*\((?<inside>.+)\)|(?:async )?(?<bare>.+))$/;

/**
 * Returns the code location of a registration, such as `src/tracking/events.ts:12`.
 *
 * @remarks Uses the first frame outside Node.js, `node_modules` and this library.
 * @param directory - the base of the relative path
 * @returns undefined if the stack has no such frame
 */
export function registeredAt(stack: string, directory: string): string | undefined {
  return locationIn(stack, directory)?.replace(/:\d+$/, '');
}

/**
 * Reduces the stack of a record to the relative location of its registration, so that it is the
 * same on every machine.
 */
export function withPlaceOnly(record: MetadataRecord, directory: string): MetadataRecord {
  const location = locationIn(record.stack_trace, directory);
  return { ...record, stack_trace: location === undefined ? '' : `at ${location}` };
}

function locationIn(stack: string, directory: string): string | undefined {
  for (const line of stack.split('\n')) {
    const { inside, bare } = FRAME.exec(line.trim())?.groups ?? {};
    const [, file, position] = /^(.+?)(:\d+:\d+)$/.exec(inside ?? bare ?? '') ?? [];
    const path = file === undefined ? undefined : pathOf(file);
    if (path === undefined || path.includes('node_modules') || path.startsWith(LIBRARY)) continue;
    const shortened = isAbsolute(path) ? relative(directory, path) : path;
    return `${shortened.split(sep).join('/')}${position}`;
  }
  return undefined;
}

function pathOf(file: string): string | undefined {
  if (file.startsWith('file:///')) return fileURLToPath(file);
  return /^(?:[a-z]{2,}:|<|eval at )/.test(file) ? undefined : file;
}
