import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/** Where this library lies: its frames say nothing about the application. */
const LIBRARY = fileURLToPath(new URL('../../', import.meta.url));

/** A line of a stack: the place is inside of brackets, or all that there is. */
const FRAME = /^at (?:[^(]*\((?<inside>.+)\)|(?:async )?(?<bare>.+))$/;

/**
 * Where something was registered: `src/tracking/events.ts:12`, from its stack.
 *
 * @remarks The first frame that is neither of Node, nor of a package, nor of this library.
 * @param directory - what the path is relative to
 * @returns nothing where the stack has no such frame
 */
export function registeredAt(stack: string, directory: string): string | undefined {
  return placeIn(stack, directory)?.replace(/:\d+$/, '');
}

/** A record whose stack says no more than where it was registered, relative to a directory: the same on every machine. */
export function withPlaceOnly(record: MetadataRecord, directory: string): MetadataRecord {
  const place = placeIn(record.stack_trace, directory);
  return { ...record, stack_trace: place === undefined ? '' : `at ${place}` };
}

function placeIn(stack: string, directory: string): string | undefined {
  for (const line of stack.split('\n')) {
    const { inside, bare } = FRAME.exec(line.trim())?.groups ?? {};
    const [, place, position] = /^(.+?)(:\d+:\d+)$/.exec(inside ?? bare ?? '') ?? [];
    const path = place === undefined ? undefined : pathOf(place);
    if (path === undefined || path.includes('node_modules') || path.startsWith(LIBRARY)) continue;
    const shown = isAbsolute(path) ? relative(directory, path) : path;
    return `${shown.split(sep).join('/')}${position}`;
  }
  return undefined;
}

function pathOf(place: string): string | undefined {
  if (place.startsWith('file:///')) return fileURLToPath(place);
  return /^(?:[a-z]{2,}:|<|eval at )/.test(place) ? undefined : place;
}
