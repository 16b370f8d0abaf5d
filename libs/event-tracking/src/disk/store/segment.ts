import { join } from 'node:path';
import { AcknowledgementLog } from './acknowledgements.js';
import type { RawRecord } from './record.js';
import { SequenceSet } from './sequence-set.js';

const SEQUENCE_DIGITS = 16;
const NAME = /^(\d{16})\.events$/;

/** The state of one file of records. */
export class Segment {
  readonly path: string;
  readonly acknowledgements: AcknowledgementLog;
  /** The last sequence number in it; one less than the first where it is empty. */
  last: number;
  /** How much of the file counts. */
  bytes = 0;
  /** How many records wait to be acknowledged. */
  live = 0;
  liveBytes = 0;
  isSealed = false;
  /** Whether the file must be kept for a human to look at. */
  isDamaged = false;
  /** Rises when compaction moves the records. */
  generation = 0;
  /** Where replacements stand in the file that were there when the store was opened. */
  readonly replacements = new Map<number, { offset: number; size: number }>();
  readonly #done: SequenceSet;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    location: string,
    readonly first: number,
  ) {
    const name = `${first}`.padStart(SEQUENCE_DIGITS, '0');
    this.path = join(location, `${name}.events`);
    this.acknowledgements = new AcknowledgementLog(join(location, `${name}.acks`));
    this.last = first - 1;
    this.#done = new SequenceSet(first);
  }

  static firstIn(name: string): number | undefined {
    const digits = NAME.exec(name)?.[1];
    return digits === undefined ? undefined : Number(digits);
  }

  isDone(sequence: number): boolean {
    return this.#done.has(sequence);
  }

  /** Notes that a sequence number waits for nothing; returns whether it is the first time. */
  finish(sequence: number): boolean {
    return this.#done.add(sequence);
  }

  /** Counts a record that waits to be acknowledged. */
  hold({ bytes }: Pick<RawRecord, 'bytes'>): void {
    this.live++;
    this.liveBytes += bytes.length;
  }

  /** Counts a record that was acknowledged; returns false where it was before. */
  acknowledge(sequence: number, size: number): boolean {
    if (!this.finish(sequence)) return false;
    this.replacements.delete(sequence);
    this.live--;
    this.liveBytes -= size;
    return true;
  }

  /** Runs work that reads or moves the file, one after another. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
