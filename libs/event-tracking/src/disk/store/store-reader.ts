import { MissingRecords } from './missing-records.js';
import { RecordReader } from './record-reader.js';
import { contentOf, RECORD_VERSION, type StoredRecord } from './record.js';
import type { Segment } from './segment.js';

/** The store's side of a reader. */
export interface ReadableStore {
  /** In the order of their sequence numbers. */
  readonly segments: readonly Segment[];
  /** Takes note of records that must be there and cannot be read. */
  reportMissing(segment: Segment, sequences: readonly number[]): void;
}

/** A record that a former process wrote in the place of an earlier one. */
export interface Replacement {
  readonly segment: Segment;
  readonly sequence: number;
  readonly position: number;
}

/** Reads the records of one node in their order, each once; replacements that are written meanwhile are left out. */
export class StoreReader {
  #current: { segment: Segment; generation: number; reader: RecordReader } | undefined;
  #missing = new MissingRecords(1);
  /** All records up to this sequence number were read from the files. */
  #passed = 0;
  readonly #ready: StoredRecord[] = [];
  readonly #replacements: Replacement[];

  constructor(
    private readonly store: ReadableStore,
    private readonly key: string,
    replacements: readonly Replacement[],
  ) {
    this.#replacements = replacements.toSorted(
      (a, b) => a.position - b.position || a.sequence - b.sequence,
    );
  }

  /** All records up to this sequence number were returned. */
  get position(): number {
    const next = Math.min(
      this.#ready[0]?.sequence ?? Infinity,
      this.#replacements[0]?.position ?? Infinity,
    );
    return Math.min(this.#passed, next - 1);
  }

  /** Returns the next records that have not been acknowledged; an empty list at the end of the store. */
  async read(limit: number): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    while (records.length < limit) {
      while (this.#ready.length === 0 && (await this.#readMore()));
      const [ready] = this.#ready;
      const [replacement] = this.#replacements;
      if (replacement !== undefined && replacement.position < (ready?.sequence ?? Infinity)) {
        records.push(...(await this.#readReplacement(replacement)));
        this.#replacements.shift();
      } else if (ready !== undefined) {
        records.push(ready);
        this.#ready.shift();
      } else break;
    }
    return records;
  }

  async #readReplacement({ segment, sequence }: Replacement): Promise<StoredRecord[]> {
    return segment.exclusively(async () => {
      const place = segment.replacements.get(sequence);
      if (place === undefined) return [];
      const reader = new RecordReader(segment.path, place.offset);
      try {
        const records = await reader.read(place.offset + place.size);
        const record = records.find((each) => each.sequence === sequence);
        if (record !== undefined) return [contentOf(record)];
      } finally {
        await reader.close();
      }
      this.store.reportMissing(segment, [sequence]);
      return [];
    });
  }

  async #readMore(): Promise<boolean> {
    const segment = this.store.segments.find(({ last }) => last > this.#passed);
    if (segment === undefined) return false;
    await segment.exclusively(() => this.#readFrom(segment));
    return true;
  }

  async #readFrom(segment: Segment): Promise<void> {
    const { last, bytes } = segment;
    if (segment.live === 0 && segment.isSealed) {
      this.#passed = Math.max(this.#passed, last);
      return;
    }
    const reader = await this.#readerOf(segment);
    const records = await reader.read(bytes);
    if (records.length === 0) {
      this.store.reportMissing(segment, this.#missing.upTo(last));
      this.#passed = Math.max(this.#passed, last);
      return;
    }
    for (const record of records) {
      this.store.reportMissing(segment, this.#missing.before(record));
      const { sequence, gapEnd, version, key, position } = record;
      if (sequence <= this.#passed) continue; // read before compaction moved it
      this.#passed = gapEnd ?? sequence;
      const isOther = gapEnd !== undefined || version !== RECORD_VERSION || key !== this.key;
      if (isOther || position !== undefined || segment.isDone(sequence)) continue;
      this.#ready.push(contentOf(record));
    }
  }

  /** Lets go of the files. */
  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.reader.close();
  }

  async #readerOf(segment: Segment): Promise<RecordReader> {
    const { generation } = segment;
    if (this.#current?.segment !== segment || this.#current.generation !== generation) {
      await this.#current?.reader.close();
      this.#current = { segment, generation, reader: new RecordReader(segment.path) };
      this.#missing = new MissingRecords(segment.first);
    }
    return this.#current.reader;
  }
}
