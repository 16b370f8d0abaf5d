import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyFiles, damageFile, segmentsIn } from '../../../../../test/support/store-files.js';
import { Diagnostics } from '../../core/diagnostics/diagnostics.js';
import { EventStore } from './event-store.js';
import type { StoredRecord } from './record.js';
import type { StoreReader } from './store-reader.js';

const HISTORIES = Number(process.env['STORE_HISTORIES'] ?? 150);
const SEED = process.env['STORE_SEED'];
const RUNS = { numRuns: HISTORIES, ...(SEED !== undefined && { seed: Number(SEED) }) };
const TIMEOUT_MS = 60_000 + HISTORIES * 400;
/** Prefers a file system in memory, where syncing costs nothing. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const directory = (): string => join(PARENT, `store-history-${randomUUID()}`);

describe('EventStore', () => {
  it(
    'delivers acknowledged events in order, through crashes, restarts and replacements',
    async () => {
      await fc.assert(
        fc.asyncProperty(soundHistories, async (steps) => {
          await runHistory(steps, directory());
        }),
        RUNS,
      );
      expect.assertions(0);
    },
    TIMEOUT_MS,
  );

  it(
    'delivers intact events and reports lost ones if its files are damaged',
    async () => {
      await fc.assert(
        fc.asyncProperty(damagedHistories, async (steps) => {
          await runHistory(steps, directory());
        }),
        RUNS,
      );
      expect.assertions(0);
    },
    TIMEOUT_MS,
  );
});

const NODES = ['default/a', 'default/b'] as const;
/** Small enough that histories have many segments. */
const SEGMENT_BYTES = 600;

type Step =
  | { do: 'append'; node: number; count: number; size: number }
  | { do: 'consume'; node: number; limit: number; keepEvery: number; replaces: boolean }
  | { do: 'restart' }
  | { do: 'kill'; duringAppend: boolean }
  | { do: 'power cut'; duringAppend: boolean; keptBytes: number; isMarkLost: boolean }
  | { do: 'second process' }
  | { do: 'damage'; kind: 'flip' | 'zero' | 'cut' | 'remove'; file: number; at: number };

const node = fc.nat(NODES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      node,
      count: fc.integer({ min: 1, max: 12 }),
      size: fc.nat(120),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('consume' as const),
      node,
      limit: fc.integer({ min: 1, max: 20 }),
      keepEvery: fc.nat(4),
      replaces: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'restart' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('kill' as const), duringAppend: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('power cut' as const),
      duringAppend: fc.boolean(),
      keptBytes: fc.nat(400),
      isMarkLost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'second process' as const }) },
);
const damage: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('damage' as const),
  kind: fc.constantFrom('flip' as const, 'zero' as const, 'cut' as const, 'remove' as const),
  file: fc.nat(20),
  at: fc.nat(5_000),
});

/** Histories of a store on a disk that keeps synced data. */
const soundHistories = fc.array(step, { minLength: 1, maxLength: 30 });
/** Histories of a store whose segments are sometimes damaged. */
const damagedHistories = fc.array(
  fc.oneof({ weight: 8, arbitrary: step }, { weight: 1, arbitrary: damage }),
  { minLength: 1, maxLength: 30 },
);

interface Expected {
  readonly node: string;
  readonly number: number;
}

/** Runs a history in a new directory, and compares the store with a model. */
async function runHistory(steps: readonly Step[], base: string): Promise<void> {
  const run = new HistoryRun(base);
  try {
    await run.begin();
    for (const each of steps) await run.step(each);
    await run.verify();
  } finally {
    await run.end();
    rmSync(base, { recursive: true, force: true });
  }
}

class HistoryRun {
  #life = 0;
  #store!: EventStore;
  readonly #readers = new Map<string, StoreReader>();
  #number = 0;
  #lastSequence = 0;
  /** The numbers of events that the store has acknowledged and no consumer has received. */
  readonly #waiting = new Map<number, Expected>();
  /** Numbers that may occur twice or never: crashes lose acknowledgements and unfinished writes. */
  readonly #uncertain = new Set<number>();
  #committedBytes = new Map<string, number>();
  #committedMark: string | undefined;
  #reportedLost = 0;
  #damaged = false;
  readonly #messages: string[] = [];

  constructor(private readonly base: string) {}

  async begin(): Promise<void> {
    mkdirSync(this.base, { recursive: true });
    await this.#open();
  }

  async step(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        return this.#append(NODES[step.node]!, step.count, step.size);
      case 'consume':
        return this.#consume(NODES[step.node]!, step);
      case 'restart':
        await this.#store.close();
        return this.#open();
      case 'kill':
        return this.#crash(step.duringAppend, () => {});
      case 'power cut':
        return this.#crash(step.duringAppend, (directory) => this.#loseUnsynced(directory, step));
      case 'second process':
        assert.equal(await EventStore.open(this.#location, this.#diagnostics), undefined);
        return;
      case 'damage':
        return this.#damage(step);
    }
  }

  /** Expects the waiting events in their order and no others, and reports of missing ones. */
  async verify(): Promise<void> {
    await this.#store.close();
    await this.#open();
    const missing = new Map(this.#waiting);
    for (const key of NODES) {
      let last = -1;
      for (const { number, isReplaced } of await this.#drain(key)) {
        const isWaiting = missing.delete(number) || this.#uncertain.has(number);
        assert.ok(isWaiting, `${number} comes out, though it was acknowledged for good`);
        if (isReplaced) continue;
        assert.ok(number > last, `${number} comes out behind ${last}`);
        last = number;
      }
    }
    if (this.#damaged) {
      assert.ok(
        this.#reportedLost >= missing.size,
        `${missing.size} are missing, ${this.#reportedLost} were reported`,
      );
    } else {
      assert.deepEqual([...missing.keys()], [], 'events are missing');
      assert.deepEqual(this.#messages, [], 'a sound store was reported as damaged');
    }
  }

  async end(): Promise<void> {
    await this.#store.close();
  }

  get #location(): string {
    return join(this.base, `${this.#life}`);
  }

  readonly #diagnostics = new Diagnostics({
    warn: (message) => void this.#messages.push(message),
    error: (message) => {
      this.#messages.push(message);
      this.#reportedLost += Number(/(\d+) events? (?:is|are) lost/.exec(message)?.[1] ?? 0);
    },
  });

  async #open(): Promise<void> {
    const store = await EventStore.open(this.#location, this.#diagnostics, {
      segmentBytes: SEGMENT_BYTES,
    });
    assert.ok(store, 'the store is held, though its process is gone');
    this.#store = store;
    this.#readers.clear();
    await this.#settled();
  }

  #contents(key: string, count: number, size: number): { key: string; payload: string }[] {
    return Array.from({ length: count }, () => ({
      key,
      payload: `${this.#number++} ${'x'.repeat(size)}`,
    }));
  }

  async #append(key: string, count: number, size: number): Promise<void> {
    const first = this.#number;
    const sequences = await this.#store.append(this.#contents(key, count, size));
    for (const [index, sequence] of sequences.entries()) {
      assert.ok(sequence > this.#lastSequence || this.#damaged, 'a sequence number went back');
      this.#lastSequence = sequence;
      this.#waiting.set(first + index, { node: key, number: first + index });
    }
    await this.#settled();
  }

  async #consume(
    key: string,
    { limit, keepEvery, replaces }: { limit: number; keepEvery: number; replaces: boolean },
  ): Promise<void> {
    let reader = this.#readers.get(key);
    if (reader === undefined) this.#readers.set(key, (reader = this.#store.reader(key)));
    const records = await reader.read(limit);
    const kept = records.filter((_, index) => keepEvery > 0 && index % keepEvery === 0);
    const done = records.filter((record) => !kept.includes(record));
    if (replaces && kept.length > 0) {
      const replacements = kept.map(({ payload, position, sequence }) => ({
        key,
        payload: payload.includes('replaced') ? payload : `${payload} replaced`,
        position: position ?? sequence,
      }));
      const sequences = await this.#store.append(replacements);
      this.#lastSequence = sequences.at(-1)!;
      this.#store.acknowledge(kept);
    }
    this.#store.acknowledge(done);
    for (const record of done) this.#waiting.delete(numberOf(record));
    for (const record of records) this.#uncertain.add(numberOf(record)); // a crash may restore it
    await this.#settled();
  }

  /** Waits until all writes have ended, and records how much of each file is synced. */
  async #settled(): Promise<void> {
    await this.#store.check();
    await this.#store.check();
    this.#committedMark = markIn(this.#location);
    this.#committedBytes = new Map(
      segmentsIn(this.#location).map((name) => [name, sizeOf(join(this.#location, name))]),
    );
  }

  async #crash(duringAppend: boolean, lose: (directory: string) => void): Promise<void> {
    const before = this.#store;
    const from = this.#location;
    if (duringAppend) {
      const first = this.#number;
      before.append(this.#contents(NODES[0], 5, 40)).catch(() => {});
      for (let each = first; each < this.#number; each++) this.#uncertain.add(each);
      for (let turn = 0; turn < first % 8; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#life++;
    copyFiles(from, this.#location);
    lose(this.#location);
    await before.close();
    await this.#open();
  }

  #loseUnsynced(
    directory: string,
    { keptBytes, isMarkLost }: { keptBytes: number; isMarkLost: boolean },
  ): void {
    // The store's mark shows whether the append in progress has been synced.
    const isSynced = markIn(directory) !== this.#committedMark;
    if (isMarkLost) rmSync(join(directory, 'synced'), { force: true });
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (name.endsWith('.acks')) truncateSync(path, Math.min(sizeOf(path), keptBytes));
    }
    const newest = segmentsIn(directory).at(-1);
    if (newest === undefined) return;
    const path = join(directory, newest);
    const synced = isSynced ? Infinity : (this.#committedBytes.get(newest) ?? 0);
    truncateSync(path, Math.min(sizeOf(path), synced + keptBytes));
  }

  async #damage({ kind, file, at }: Extract<Step, { do: 'damage' }>): Promise<void> {
    await this.#store.close();
    const names = segmentsIn(this.#location);
    if (names.length > 0) {
      this.#damaged = true;
      damageFile(join(this.#location, names[file % names.length]!), kind, at);
    }
    await this.#open();
  }

  async #drain(key: string): Promise<{ number: number; isReplaced: boolean }[]> {
    const reader = this.#store.reader(key);
    const found: { number: number; isReplaced: boolean }[] = [];
    for (;;) {
      const records = await reader.read(7);
      if (records.length === 0) return found;
      for (const record of records) {
        assert.match(record.payload, /^\d+ x*( replaced)?$/);
        found.push({ number: numberOf(record), isReplaced: record.payload.includes('replaced') });
      }
    }
  }
}

function numberOf({ payload }: StoredRecord): number {
  return Number.parseInt(payload, 10);
}

function markIn(directory: string): string | undefined {
  const path = join(directory, 'synced');
  return existsSync(path) ? readFileSync(path, 'hex') : undefined;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
