import { toJson } from '../../core/event/json.js';
import { rmdir, stat, truncate, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Diagnostics } from '../../core/diagnostics/diagnostics.js';
import { writeManifest, type Manifest } from './manifest.js';
import {
  codeOf,
  makePrivateDirectory,
  openPrivateFile,
  syncDirectory,
  writeAt,
} from './private-files.js';
import { encodeCommit, type RecordContent, type StoredRecord } from './record.js';
import { SegmentMaintenance } from './segment-maintenance.js';
import { Segment } from './segment.js';
import { StoreLock } from './store-lock.js';
import { StoreReports } from './store-reports.js';
import { StoreReader, type Replacement } from './store-reader.js';
import { deleteFiles, readSegments, refuseForeign } from './stored-segments.js';
import { SyncMark } from './sync-mark.js';

const SEGMENT_BYTES = 8 * 2 ** 20;
/** An empty segment that is larger is given back to the disk, though it is not full. */
const IDLE_SEGMENT_BYTES = 2 ** 20;

/** How a store divides its records. */
export interface EventStoreOptions {
  /**
   * The size from which on a segment is not written to any more, in bytes.
   *
   * @default 8 MiB
   */
  segmentBytes?: number;
}

interface Append {
  readonly contents: readonly RecordContent[];
  readonly resolve: (firstSequence: number) => void;
  readonly reject: (error: unknown) => void;
}

interface ActiveSegment {
  readonly segment: Segment;
  readonly file: FileHandle;
  readonly inode: number;
}

interface NodeState {
  /** How many of its records wait to be acknowledged. */
  live: number;
  last: number;
  /** Records of former processes that stand in the place of others. */
  readonly replacements: Replacement[];
}

/**
 * Records in append-only files of one directory, which belongs to one process at a time.
 *
 * @remarks
 * - Each record has a checksum and a sequence number that rises for the life of the store.
 * - Records are acknowledged in any order; a segment is deleted when all of its records are.
 * - Missing and damaged records are reported with their number; damaged files are kept in the folder `damaged`.
 */
export class EventStore {
  readonly #segments: Segment[] = [];
  readonly #nodes = new Map<string, NodeState>();
  readonly #readers = new Set<StoreReader>();
  readonly #syncMark: SyncMark;
  readonly #reports: StoreReports;
  readonly #maintenance: SegmentMaintenance;
  readonly #segmentBytes: number;
  #next = 1;
  #active: ActiveSegment | undefined;
  #appends: Append[] = [];
  #writtenManifest: string | undefined;
  #isMaintaining = false;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #isGone = false;

  private constructor(
    readonly location: string,
    private readonly lock: StoreLock,
    diagnostics: Diagnostics,
    { segmentBytes = SEGMENT_BYTES }: EventStoreOptions,
  ) {
    this.#syncMark = new SyncMark(location);
    this.#segmentBytes = segmentBytes;
    this.#reports = new StoreReports(location, diagnostics);
    this.#maintenance = new SegmentMaintenance({
      location,
      segments: this.#segments,
      segmentBytes,
      liveBytes: () => this.liveBytes,
      writeManifest: () => this.#writeManifest(),
    });
  }

  /**
   * Opens a store, or makes one.
   *
   * @returns nothing where another process has it open
   * @throws UnusableStoreError for a directory that holds something else or a newer format
   */
  static async open(
    location: string,
    diagnostics: Diagnostics,
    options: EventStoreOptions = {},
  ): Promise<EventStore | undefined> {
    await makePrivateDirectory(location);
    await refuseForeign(location);
    const lock = await StoreLock.acquire(location);
    if (lock === undefined) return undefined;
    const store = new EventStore(location, lock, diagnostics, options);
    try {
      await store.#load();
      return store;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Whether the directory was deleted or replaced: nothing more can be written. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** How many bytes the records take that wait to be acknowledged. */
  get liveBytes(): number {
    return this.#segments.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
  }

  /** The keys of the nodes with records that wait to be acknowledged. */
  get waitingKeys(): string[] {
    return [...this.#nodes].filter(([, { live }]) => live > 0).map(([key]) => key);
  }

  /** Returns the sequence number of a node's last record; 0 where it has none. */
  lastSequenceOf(key: string): number {
    return this.#nodes.get(key)?.last ?? 0;
  }

  /** Returns a reader of a node's records, from the oldest on. */
  reader(key: string): StoreReader {
    const reader = new StoreReader(
      {
        segments: this.#segments,
        reportMissing: (segment, sequences) => this.#reportMissing(segment, sequences),
      },
      key,
      this.#nodes.get(key)?.replacements ?? [],
    );
    this.#readers.add(reader);
    return reader;
  }

  /**
   * Adds records; when it resolves, they survive the death of the machine.
   *
   * @returns their sequence numbers
   */
  async append(contents: readonly RecordContent[]): Promise<number[]> {
    const first = await new Promise<number>((resolve, reject) => {
      this.#appends.push({ contents, resolve, reject });
      if (this.#appends.length === 1) void this.#exclusively(() => this.#commitAppends());
    });
    return contents.map((_, index) => first + index);
  }

  /** Takes note that records wait for nothing more; written soon, and synced when the store is closed. */
  acknowledge(records: readonly StoredRecord[]): void {
    for (const { sequence, size, key } of records) {
      const segment = this.#segments.findLast(({ first }) => first <= sequence);
      if (segment === undefined || sequence > segment.last) continue;
      if (!segment.acknowledge(sequence, size)) continue;
      this.#nodeOf(key).live--;
      this.#maintenance.add(segment, [sequence]);
    }
    this.#maintain();
  }

  /** Resolves when due writes have ended; marks the store as gone if its directory was deleted. */
  async check(): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#isClosed || this.#isGone) return;
      if (this.#active !== undefined) await this.#verifyPlace(this.#active);
      else if (this.#writtenManifest !== undefined) await this.#verifyDirectory();
    }).catch(() => {});
    this.#maintain();
  }

  /** Writes due records and releases the directory. */
  async close(): Promise<void> {
    await this.#close(() => {});
  }

  /** Closes the store and deletes its directory, except files of others and damaged ones. */
  async delete(): Promise<void> {
    // While it is locked, so that no other process writes to it.
    await this.#close(() => deleteFiles(this.location));
    await rmdir(this.location).catch(() => {}); // it keeps damaged files, or another process has it open
  }

  async #close(last: () => Promise<void> | void): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      if (!this.#isGone)
        await this.#settle().catch((error: unknown) => this.#reports.unwritten(error));
      await this.#active?.file.close().catch(() => {});
      await this.#maintenance.close().catch(() => {});
      await this.#syncMark.close().catch(() => {});
      for (const reader of this.#readers) await reader.close().catch(() => {});
      await last();
      await this.lock.release();
    });
  }

  async #load(): Promise<void> {
    const synced = await this.#syncMark.read();
    const found = await readSegments(
      this.location,
      synced,
      ({ key, sequence, position }, segment) => {
        const node = this.#nodeOf(key);
        node.live++;
        node.last = sequence;
        if (position !== undefined) node.replacements.push({ segment, sequence, position });
      },
    );
    this.#segments.push(...found.segments);
    this.#next = found.next;
    for (const [segment, sequences] of found.lost) {
      if (this.#segments.includes(segment)) this.#maintenance.add(segment, sequences);
    }
    const lost = [...found.lost.values()].reduce((sum, { length }) => sum + length, 0);
    if (found.damage.length > 0) this.#reports.damaged(lost, found.damage.join(', '));
    if (found.unknown > 0) this.#reports.ofNewerRelease(found.unknown);
    if (found.manifest !== undefined) this.#writtenManifest = textOf(found.manifest);
    if (found.segments.length > 0 || found.damage.length > 0) this.#maintain();
  }

  async #commitAppends(): Promise<void> {
    const appends = this.#appends;
    this.#appends = [];
    try {
      let first = await this.#commit(appends.flatMap(({ contents }) => contents));
      for (const { contents, resolve } of appends) {
        resolve(first);
        first += contents.length;
      }
    } catch (error) {
      for (const { reject } of appends) reject(error);
    }
  }

  async #commit(contents: readonly RecordContent[]): Promise<number> {
    this.#refuseWrites();
    const active = await this.#activeSegment();
    const { segment, file } = active;
    const first = this.#next;
    const last = first + contents.length - 1;
    const buffer = encodeCommit(contents, first);
    try {
      await writeAt(file, buffer, segment.bytes);
      await file.datasync();
      await this.#verifyPlace(active);
      await this.#syncMark.write(last);
    } catch (error) {
      await this.#abandonActive();
      throw error;
    }
    this.#next = last + 1;
    segment.bytes += buffer.length;
    segment.last = last;
    segment.live += contents.length;
    segment.liveBytes += buffer.length;
    for (const [index, { key }] of contents.entries()) {
      const node = this.#nodeOf(key);
      node.live++;
      node.last = first + index;
    }
    return first;
  }

  async #activeSegment(): Promise<ActiveSegment> {
    if (this.#active !== undefined && this.#active.segment.bytes >= this.#segmentBytes) {
      await this.#sealActive();
    }
    this.#active ??= await this.#beginSegment();
    return this.#active;
  }

  async #beginSegment(): Promise<ActiveSegment> {
    const segment = new Segment(this.location, this.#next);
    this.#segments.push(segment);
    try {
      await this.#writeManifest(); // first: a file that it does not list counts for nothing
      const file = await openPrivateFile(segment.path, 'w');
      try {
        await syncDirectory(this.location);
        return { segment, file, inode: (await file.stat()).ino };
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      this.#segments.pop();
      if (codeOf(error) === 'ENOENT') await this.#verifyDirectory();
      throw error;
    }
  }

  async #sealActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    if (active === undefined) return;
    active.segment.isSealed = true;
    await active.file.close();
  }

  /** Ends a segment whose last write failed, because its content on disk is unknown. */
  async #abandonActive(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    await this.#sealActive().catch(() => {});
    const { segment } = active;
    await truncate(segment.path, segment.bytes).catch(() => {});
    if (segment.bytes === 0) this.#segments.splice(this.#segments.indexOf(segment), 1);
  }

  /** @throws where the file has been deleted or replaced while it was written to */
  async #verifyPlace({ segment, inode }: ActiveSegment): Promise<void> {
    const found = await stat(segment.path).catch(() => undefined);
    if (found?.ino === inode) return;
    await this.#verifyDirectory();
    this.#isGone = true; // the next to open the store finds out what is missing
    throw new Error(`${segment.path} was deleted while it was written to`);
  }

  async #verifyDirectory(): Promise<void> {
    if ((await stat(this.location).catch(() => undefined)) !== undefined) return;
    const lost = this.#segments.reduce((sum, { live }) => sum + live, 0);
    if (!this.#isGone && lost > 0) this.#reports.deleted(lost);
    this.#isGone = true;
    throw new Error(`the directory ${this.location} was deleted`);
  }

  #refuseWrites(): void {
    if (this.#isClosed) throw new Error(`${this.location} has been closed`);
    if (this.#isGone) throw new Error(`${this.location} was deleted`);
  }

  #maintain(): void {
    if (this.#isMaintaining || this.#isClosed || this.#isGone) return;
    this.#isMaintaining = true;
    void this.#exclusively(async () => {
      this.#isMaintaining = false; // later acknowledgements need another turn
      if (this.#isClosed || this.#isGone) return;
      try {
        await this.#sealIdle();
        await this.#maintenance.writeAcknowledgements();
        await this.#maintenance.deleteFinished();
        await this.#maintenance.compact();
        if (this.#active === undefined) await this.#writeManifest();
      } catch (error) {
        this.#reports.unwritten(error);
      }
    });
  }

  /** Writes everything so that the next to open the store finds it exactly as it is. */
  async #settle(): Promise<void> {
    await this.#sealActive();
    await this.#maintenance.writeAcknowledgements();
    await this.#maintenance.deleteFinished();
    await this.#maintenance.syncAcknowledgements();
    if (this.#writtenManifest !== undefined || this.#segments.length > 0)
      await this.#writeManifest();
  }

  /** Gives the space of an empty segment back to the disk, even if it is not full. */
  async #sealIdle(): Promise<void> {
    const idle = this.#active?.segment;
    if (idle?.live === 0 && idle.bytes >= Math.min(IDLE_SEGMENT_BYTES, this.#segmentBytes)) {
      await this.#sealActive();
    }
  }

  async #writeManifest(): Promise<void> {
    const active = this.#active?.segment;
    const manifest: Manifest = {
      next: this.#next,
      segments: this.#segments.map((segment) => {
        const { first, last, bytes, isSealed } = segment;
        return isSealed && segment !== active ? { first, last, bytes } : { first };
      }),
    };
    const text = textOf(manifest);
    if (text === this.#writtenManifest) return;
    await writeManifest(this.location, manifest);
    this.#writtenManifest = text;
  }

  #reportMissing(segment: Segment, sequences: readonly number[]): void {
    const size = segment.live === 0 ? 0 : segment.liveBytes / segment.live;
    const lost = sequences.filter((sequence) => segment.acknowledge(sequence, size));
    if (lost.length === 0) return;
    segment.isDamaged = true;
    this.#maintenance.add(segment, lost);
    this.#reports.damaged(lost.length, `${basename(segment.path)} is damaged`);
    this.#maintain();
  }

  #nodeOf(key: string): NodeState {
    let node = this.#nodes.get(key);
    if (node === undefined) this.#nodes.set(key, (node = { live: 0, last: 0, replacements: [] }));
    return node;
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function textOf({ next, segments }: Manifest): string {
  return toJson({ next, segments });
}
