import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { compactSegment } from './compact-segment.js';
import { setAside } from './damaged-files.js';
import { codeOf } from './private-files.js';
import type { Segment } from './segment.js';

/** The store's side of maintenance. */
export interface MaintainedStore {
  readonly location: string;
  /** In the order of their sequence numbers. */
  readonly segments: Segment[];
  readonly segmentBytes: number;
  /** Returns how many bytes the records take that wait to be acknowledged. */
  liveBytes(): number;
  writeManifest(): Promise<void>;
}

/**
 * Writes acknowledgements, deletes segments without waiting records, and compacts those with few.
 *
 * @remarks The store must not run two of its methods at the same time.
 */
export class SegmentMaintenance {
  readonly #unwritten = new Map<Segment, number[]>();
  #open: Segment | undefined;

  constructor(private readonly store: MaintainedStore) {}

  /** Remembers acknowledgements until they are written. */
  add(segment: Segment, sequences: readonly number[]): void {
    const unwritten = this.#unwritten.get(segment);
    if (unwritten === undefined) this.#unwritten.set(segment, [...sequences]);
    else for (const sequence of sequences) unwritten.push(sequence);
  }

  async writeAcknowledgements(): Promise<void> {
    for (const [segment, sequences] of this.#unwritten) {
      this.#unwritten.delete(segment);
      if (isFinished(segment)) continue;
      if (this.#open !== segment) await this.close();
      this.#open = segment;
      try {
        await segment.acknowledgements.append(sequences);
      } catch (error) {
        this.add(segment, sequences);
        throw error;
      }
    }
  }

  /** Makes all acknowledgements survive the death of the machine. */
  async syncAcknowledgements(): Promise<void> {
    for (const { acknowledgements } of this.store.segments) {
      await acknowledgements.sync();
      await acknowledgements.close();
    }
  }

  /** Deletes sealed segments whose records have all been acknowledged. */
  async deleteFinished(): Promise<void> {
    const { segments } = this.store;
    const finished = segments.filter(isFinished);
    if (finished.length === 0) return;
    const left = segments.filter((segment) => !finished.includes(segment));
    segments.splice(0, segments.length, ...left);
    const isFull = await this.store.writeManifest().then(
      () => false,
      (error: unknown) => {
        if (codeOf(error) === 'ENOSPC') return true;
        segments.splice(0, left.length, ...finished, ...left);
        segments.sort((a, b) => a.first - b.first);
        throw error;
      },
    );
    for (const segment of finished) await this.#delete(segment);
    if (isFull) await this.store.writeManifest(); // now there is room
  }

  /** Keeps the files from growing where a few records that are stuck keep many segments. */
  async compact(): Promise<void> {
    const { segments, segmentBytes } = this.store;
    for (;;) {
      const candidates = segments.filter(({ isSealed, isDamaged }) => isSealed && !isDamaged);
      const idleBytes = candidates.reduce((sum, segment) => sum + idleBytesOf(segment), 0);
      if (idleBytes <= Math.max(2 * segmentBytes, this.store.liveBytes() / 4)) return;
      const worst = candidates.reduce((one, other) =>
        idleBytesOf(other) > idleBytesOf(one) ? other : one,
      );
      const before = worst.bytes;
      await worst.exclusively(() => compactSegment(worst));
      await this.store.writeManifest();
      if (worst.bytes >= before) return;
    }
  }

  /** Closes the file of acknowledgements that is open. */
  async close(): Promise<void> {
    await this.#open?.acknowledgements.close();
  }

  async #delete(segment: Segment): Promise<void> {
    if (segment.isDamaged) await setAside(this.store.location, basename(segment.path));
    else await rm(segment.path, { force: true });
    await segment.acknowledgements.delete();
    this.#unwritten.delete(segment);
  }
}

function isFinished({ isSealed, live }: Segment): boolean {
  return isSealed && live === 0;
}

function idleBytesOf({ bytes, liveBytes }: Segment): number {
  return bytes - liveBytes;
}
