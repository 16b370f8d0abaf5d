import type { RawRecord } from './record.js';

/** Finds the sequence numbers that are missing between records read in their order. */
export class MissingRecords {
  #expected: number;

  constructor(first: number) {
    this.#expected = first;
  }

  /** Returns the numbers missing in front of a record, and goes on behind it. */
  before({ sequence, gapEnd }: RawRecord): number[] {
    const missing = this.upTo(sequence - 1);
    this.#expected = Math.max(this.#expected, (gapEnd ?? sequence) + 1);
    return missing;
  }

  /** Returns the numbers missing up to the one that must be there, and goes on behind it. */
  upTo(last: number): number[] {
    const missing: number[] = [];
    for (; this.#expected <= last; this.#expected++) missing.push(this.#expected);
    return missing;
  }
}
