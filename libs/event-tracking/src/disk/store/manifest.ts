import { toJson } from '../../core/event/json.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isPlainObject } from '../../core/event/event.js';
import { codeOf, replaceFile } from './private-files.js';
import { UnusableStoreError } from './unusable-store-error.js';

/** The file of a store that names its format and its segments. */
export const MANIFEST = 'store.json';
const FORMAT = 'nestjs-event-tracking/disk-store';
const VERSION = 1;

/** A segment in a manifest; only the one being written has no end. */
export interface SegmentEntry {
  readonly first: number;
  readonly last?: number;
  readonly bytes?: number;
}

/** The description of a store. */
export interface Manifest {
  /** No sequence number from here on was used when the manifest was written. */
  readonly next: number;
  readonly segments: readonly SegmentEntry[];
}

/**
 * Reads the manifest of a store.
 *
 * @returns 'absent' or 'damaged' where it has none
 * @throws {@link UnusableStoreError} for a format that this release does not know
 */
export async function readManifest(location: string): Promise<Manifest | 'absent' | 'damaged'> {
  let text: string;
  try {
    text = await readFile(join(location, MANIFEST), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent';
    throw error;
  }
  const [line = '', checksum] = text.split('\n');
  const manifest = parse(line);
  if (manifest === undefined) return 'damaged';
  const { format, version } = manifest;
  if (format === FORMAT && typeof version === 'number' && version > VERSION) {
    throw new UnusableStoreError(
      `its format has version ${version}, and this release reads version ${VERSION} ` +
        `(a newer release can read it)`,
    );
  }
  if (checksum !== checksumOf(line) || format !== FORMAT) return 'damaged';
  return manifest as unknown as Manifest;
}

/** Writes the manifest of a store; when it resolves, it survives the death of the machine. */
export async function writeManifest(location: string, manifest: Manifest): Promise<void> {
  await replaceFile(join(location, MANIFEST), textOfManifest(manifest));
}

/** Returns the content of a manifest's file. */
export function textOfManifest({ next, segments }: Manifest): string {
  const line = toJson({ format: FORMAT, version: VERSION, next, segments });
  return `${line}\n${checksumOf(line)}\n`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return isPlainObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function checksumOf(line: string): string {
  return crc32(line).toString(16).padStart(8, '0');
}
