import { open, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LOCK_PREFIX } from './store-lock.js';
import { MANIFEST, readManifest, type Manifest, type SegmentEntry } from './manifest.js';
import { MissingRecords } from './missing-records.js';
import { setAside, DAMAGED } from './damaged-files.js';
import { codeOf, UNFINISHED } from './private-files.js';
import { RecordReader } from './record-reader.js';
import { RECORD_VERSION, type RawRecord } from './record.js';
import { Segment } from './segment.js';
import { SYNC_MARK } from './sync-mark.js';
import { UnusableStoreError } from './unusable-store-error.js';

/** The content of a store's directory. */
export interface StoredSegments {
  readonly segments: Segment[];
  /** The first sequence number that was never used. */
  readonly next: number;
  /** The sequence numbers that must be there and are not, by segment. */
  readonly lost: ReadonlyMap<Segment, readonly number[]>;
  readonly damage: readonly string[];
  /** How many records a newer release has written. */
  readonly unknown: number;
  readonly manifest: Manifest | undefined;
}

/**
 * Refuses a directory that holds something else than a store.
 *
 * @throws {@link UnusableStoreError} for files of others, and for a newer format
 */
export async function refuseForeign(location: string): Promise<void> {
  if ((await readManifest(location)) !== 'absent') return;
  const names = await readdir(location);
  const foreign = names.find((name) => !isOwn(name));
  if (foreign === undefined) return;
  const what = names.includes('CURRENT') ? 'a LevelDB database' : `the file '${foreign}'`;
  throw new UnusableStoreError(`it holds ${what}, not a queue of this format`);
}

/** Deletes the files of a store, except its lock and its damaged files. */
export async function deleteFiles(location: string): Promise<void> {
  const names = await readdir(location);
  const files = names.filter((name) => name === MANIFEST || isOwn(name));
  for (const name of files.filter((each) => each !== DAMAGED && !each.startsWith(LOCK_PREFIX))) {
    await rm(join(location, name), { force: true });
  }
}

/** Reads all segments of a store and verifies every checksum. */
export async function readSegments(
  location: string,
  synced: number,
  visit: (record: RawRecord, segment: Segment) => void,
): Promise<StoredSegments> {
  const damage: string[] = [];
  const manifest = await readManifest(location);
  const names = (await readdir(location)).sort();
  for (const name of names.filter((each) => each.endsWith(UNFINISHED))) {
    await rm(join(location, name), { force: true });
  }
  const files = names.flatMap((name) => Segment.firstIn(name) ?? []);
  let entries: readonly SegmentEntry[] = files.map((first) => ({ first }));
  let next = synced + 1;
  if (typeof manifest === 'object') {
    entries = await listed(location, manifest.segments, files, manifest.next);
    next = Math.max(next, manifest.next);
  } else if (manifest === 'damaged') {
    damage.push(`${MANIFEST} is damaged`);
    await setAside(location, MANIFEST);
  } else if (files.length > 0) {
    damage.push(`${MANIFEST} is missing`);
  }

  const segments: Segment[] = [];
  const lost = new Map<Segment, readonly number[]>();
  let unknown = 0;
  for (const [index, entry] of entries.entries()) {
    const segment = new Segment(location, entry.first);
    // The one that was being written may end in the middle of a write that was never acknowledged.
    const isActive =
      typeof manifest === 'object' && entry.last === undefined && index === entries.length - 1;
    const found = await readSegment(segment, entry, { synced, isActive }, (record) => {
      if (record.version === RECORD_VERSION) visit(record, segment);
      else unknown++;
    });
    if (found.damage !== undefined) damage.push(found.damage);
    if (found.lost.length > 0) lost.set(segment, found.lost);
    if (found.exists) segments.push(segment);
    next = Math.max(next, segment.last + 1);
  }
  return {
    segments,
    next,
    lost,
    damage,
    unknown,
    manifest: typeof manifest === 'object' ? manifest : undefined,
  };
}

function isOwn(name: string): boolean {
  return (
    name === SYNC_MARK ||
    name === DAMAGED ||
    name.startsWith(LOCK_PREFIX) ||
    name.endsWith(UNFINISHED) ||
    /^\d{16}\.(events|acks)$/.test(name)
  );
}

/** Returns the segments of a manifest; removes leftovers of an interrupted deletion. */
async function listed(
  location: string,
  entries: readonly SegmentEntry[],
  files: readonly number[],
  next: number,
): Promise<SegmentEntry[]> {
  const known = new Set(entries.map(({ first }) => first));
  const unlisted = files.filter((first) => !known.has(first));
  for (const first of unlisted.filter((each) => each < next)) {
    const { path, acknowledgements } = new Segment(location, first);
    await rm(path, { force: true });
    await rm(acknowledgements.path, { force: true });
  }
  const adopted = unlisted.filter((each) => each >= next).map((first) => ({ first }));
  return [...entries, ...adopted];
}

/** @param state - how far the store was synced, and whether this segment was being written */
async function readSegment(
  segment: Segment,
  entry: SegmentEntry,
  { synced, isActive }: { synced: number; isActive: boolean },
  visit: (record: RawRecord) => void,
): Promise<{ lost: number[]; exists: boolean; damage?: string }> {
  const { path, first } = segment;
  for (const range of await segment.acknowledgements.read()) {
    for (let each = Math.max(range.first, first); each <= range.last; each++) segment.finish(each);
  }
  const size = await stat(path).then(
    (found) => found.size,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    },
  );
  const reader = new RecordReader(path);
  const missing = new MissingRecords(first);
  const candidates: number[] = [];
  let proven = entry.last ?? (isActive ? synced : 0);
  const end = Math.min(entry.bytes ?? Infinity, size ?? 0);
  const add = (record: RawRecord): void => {
    const { sequence, gapEnd, startsCommit, position, offset, bytes } = record;
    if (sequence <= segment.last || sequence > (entry.last ?? Infinity)) return;
    candidates.push(...missing.before(record));
    segment.last = gapEnd ?? sequence;
    if (startsCommit) proven = Math.max(proven, sequence - 1);
    if (gapEnd !== undefined) {
      for (let each = sequence; each <= gapEnd; each++) segment.finish(each);
    } else if (!segment.isDone(sequence)) {
      segment.hold(record);
      if (position !== undefined) {
        segment.replacements.set(sequence, { offset, size: bytes.length });
      }
      visit(record);
    }
  };
  try {
    let records: RawRecord[];
    while ((records = await reader.read(end)).length > 0) records.forEach(add);
  } finally {
    await reader.close();
  }
  candidates.push(...missing.upTo(proven));
  const known = Math.max(proven, synced);
  const lost = candidates.filter((each) => segment.finish(each) && each <= known);
  segment.last = Math.max(segment.last, proven, first - 1);
  segment.bytes = reader.validEnd;
  segment.isSealed = true;
  if (size === undefined) {
    return {
      lost,
      exists: false,
      ...(lost.length > 0 && { damage: `${basename(path)} is missing` }),
    };
  }
  const isTorn = reader.validEnd < size && isActive;
  segment.isDamaged = reader.hasDamage || lost.length > 0 || (reader.validEnd < end && !isTorn);
  if (!segment.isDamaged && isActive) await finishTorn(path, reader.validEnd);
  if (!segment.isDamaged) return { lost, exists: true };
  return { lost, exists: true, ...(lost.length > 0 && { damage: `${basename(path)} is damaged` }) };
}

/** Cuts off a write that was never finished, and syncs those before it, which nobody may have done. */
async function finishTorn(path: string, end: number): Promise<void> {
  await using file = await open(path, 'r+');
  if ((await file.stat()).size > end) await file.truncate(end);
  await file.sync();
}
