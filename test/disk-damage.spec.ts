import { randomBytes } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DiskProcesses, namesOf, numbered, queued, stuck } from './support/disk-processes.js';
import { changeVersion, contentsOf, damageFile, segmentsIn } from './support/store-files.js';
import { ROOT } from './support/root.js';

const COUNT = 300;
const DATA = { noise: randomBytes(400).toString('hex') };

let processes: DiskProcesses;
let slot: string;

beforeEach(async () => {
  processes = await DiskProcesses.create();
  slot = join(processes.directory, '0');
});

afterEach(() => processes.end());

/** Returns the middle one of the store's segments. */
function middleSegment(): string {
  const segments = segmentsIn(slot);
  expect(segments.length).toBeGreaterThan(2);
  return join(slot, segments[Math.floor(segments.length / 2)]!);
}

function newestSegment(): string {
  return join(slot, segmentsIn(slot).at(-1)!);
}

/** Returns how many events were reported as lost. */
function reportedLoss(): number {
  const counts = processes.log.map(
    (text) => /(\d+) events? (?:is|are) lost/.exec(text)?.[1] ?? '0',
  );
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

interface Damage {
  readonly kind: string;
  readonly isKilled?: boolean;
  damage(): void;
  readonly cause: RegExp;
  readonly lost: { min: number; max: number };
  /** Matches the name of the file that must be kept. */
  readonly kept?: RegExp;
}

const DAMAGES: Damage[] = [
  {
    kind: 'a flipped bit',
    damage: () => damageFile(middleSegment(), 'flip', 5_000),
    cause: /\d{16}\.events is damaged/,
    lost: { min: 1, max: 1 },
    kept: /^\d{16}\.events\./,
  },
  {
    kind: 'a zeroed page',
    damage: () => damageFile(middleSegment(), 'zero', 20_000),
    cause: /\d{16}\.events is damaged/,
    lost: { min: 4, max: 8 },
    kept: /^\d{16}\.events\./,
  },
  {
    kind: 'a segment that was cut short',
    damage: () => damageFile(middleSegment(), 'cut', 10_000),
    cause: /\d{16}\.events is damaged/,
    lost: { min: 20, max: 80 },
    kept: /^\d{16}\.events\./,
  },
  {
    kind: 'a cut in the segment that a killed process was writing',
    isKilled: true,
    damage: () => damageFile(newestSegment(), 'cut', 5_000),
    cause: /\d{16}\.events is damaged/,
    lost: { min: 10, max: 80 },
    kept: /^\d{16}\.events\./,
  },
  {
    kind: 'a removed segment',
    damage: () => damageFile(middleSegment(), 'remove', 0),
    cause: /\d{16}\.events is missing/,
    lost: { min: 40, max: 100 },
  },
  {
    kind: 'a missing manifest',
    damage: () => rmSync(join(slot, 'store.json')),
    cause: /store\.json is missing/,
    lost: { min: 0, max: 0 },
  },
  {
    kind: 'a damaged manifest',
    damage: () => damageFile(join(slot, 'store.json'), 'flip', 30),
    cause: /store\.json is damaged/,
    lost: { min: 0, max: 0 },
    kept: /^store\.json\./,
  },
];

describe('A damaged store', () => {
  it.each(DAMAGES)(
    'with $kind is reported, and delivers its intact events in order',
    async ({ isKilled, damage, cause, lost, kept }) => {
      await processes.leave(numbered(COUNT), { data: DATA, isKilled });
      damage();
      const destination = new RecordingBackend();
      const tracker = processes.start(destination);
      tracker.emit('new');
      await tracker.flush();

      const delivered = namesOf(destination.events);
      const intact = new Set(delivered);
      expect(delivered).toEqual([...numbered(COUNT).filter((name) => intact.has(name)), 'new']);
      const missing = COUNT + 1 - delivered.length;
      expect(reportedLoss()).toBe(missing);
      expect(missing).toBeGreaterThanOrEqual(lost.min);
      expect(missing).toBeLessThanOrEqual(lost.max);
      expect(processes.log).toEqual([expect.stringMatching(cause)]);
      if (kept === undefined) return;
      await tracker.close();
      expect(readdirSync(join(slot, 'damaged'))).toEqual([expect.stringMatching(kept)]);
    },
  );

  it('delivers all events again when a file of acknowledgements is damaged', async () => {
    await processes.leave(numbered(COUNT), { data: DATA });
    writeFileSync(middleSegment().replace('.events', '.acks'), randomBytes(50));
    const destination = new RecordingBackend();
    await processes.start(destination).flush();
    expect(namesOf(destination.events)).toEqual(numbered(COUNT));
    expect(processes.log).toEqual([]);
  });

  it('reports losses in the middle of one write, even without its manifest', async () => {
    await processes.leave(numbered(COUNT), { data: DATA, isOneWrite: true });
    damageFile(newestSegment(), 'zero', 20_000);
    rmSync(join(slot, 'store.json'));
    const destination = new RecordingBackend();
    await processes.start(destination).flush();
    expect(reportedLoss()).toBeGreaterThan(0);
    expect(destination.events).toHaveLength(COUNT - reportedLoss());
  });

  it('is reported once, though several processes find it', async () => {
    await processes.leave(numbered(COUNT), { data: DATA });
    damageFile(middleSegment(), 'zero', 20_000);
    rmSync(join(slot, 'store.json'));
    const destination = new RecordingBackend();
    const trackers = [1, 2, 3].map(() => processes.start(destination));
    await Promise.all(trackers.map((tracker) => tracker.flush()));
    const count = COUNT - reportedLoss();
    await vi.waitUntil(() => destination.events.length === count, { timeout: 10_000 });
    for (const tracker of trackers) await tracker.close();
    await processes.start(destination).flush();
    expect(processes.log.filter((text) => text.includes('is damaged:'))).toHaveLength(1);
    expect(destination.events).toHaveLength(count);
  });

  it('keeps a record of a newer release, and delivers the others', async () => {
    await processes.leave(numbered(COUNT), { data: DATA });
    const path = middleSegment();
    const record = changeVersion(path, 3, 2);
    const destination = new RecordingBackend();
    const tracker = processes.start(destination);
    await tracker.flush();
    await tracker.close();
    expect(destination.events).toHaveLength(COUNT - 1);
    expect(processes.log).toEqual([expect.stringMatching(/has 1 record that a newer release has/)]);
    expect(readFileSync(path).includes(record)).toBe(true);
  });

  it('whose directory is deleted in use is reported, and new events go to a new one', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const tracker = processes.start(stuck);
      for (const name of numbered(5)) tracker.emit(name);
      await queued(tracker, 5);
      rmSync(processes.directory, { recursive: true });
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitUntil(() => processes.log.length > 0);
      expect(processes.log).toEqual([
        expect.stringMatching(/0 was deleted while it was in use\. 5 events in it had not been/),
      ]);
      tracker.emit('new');
      await queued(tracker, 6);
      await tracker.close({ signal: AbortSignal.abort() });
      await processes.released();
      const destination = new RecordingBackend();
      await processes.start(destination).flush();
      expect(namesOf(destination.events)).toEqual(['new']);
    } finally {
      vi.useRealTimers();
    }
  });
});

const FORMAT_1 = join(ROOT, 'test/fixtures/disk-queue-format-1');

interface Unusable {
  readonly kind: string;
  make(): void;
  readonly cause: RegExp;
}

const UNUSABLE: Unusable[] = [
  {
    kind: 'a plain file',
    make: () => writeFileSync(slot, 'in the way'),
    cause: /0 cannot be used: .*ENOTDIR/,
  },
  {
    kind: 'a LevelDB database',
    make: () => {
      mkdirSync(slot);
      writeFileSync(join(slot, 'CURRENT'), 'MANIFEST-000004\n');
      writeFileSync(join(slot, 'MANIFEST-000004'), randomBytes(100));
      writeFileSync(join(slot, '000005.ldb'), randomBytes(1_000));
    },
    cause: /0 cannot be used: it holds a LevelDB database/,
  },
  {
    kind: 'a directory with other files',
    make: () => {
      mkdirSync(slot);
      writeFileSync(join(slot, 'invoice.pdf'), 'paid');
    },
    cause: /0 cannot be used: it holds the file 'invoice\.pdf'/,
  },
  {
    kind: 'a store of a newer format',
    make: () => {
      cpSync(join(FORMAT_1, '0'), slot, { recursive: true });
      const path = join(slot, 'store.json');
      const manifest = readFileSync(path, 'utf8');
      writeFileSync(path, manifest.replace('"version":1', '"version":99'));
      writeFileSync(join(slot, 'index.v99'), randomBytes(100));
    },
    cause: /0 cannot be used: its format has version 99, and this release reads version 1/,
  },
];

describe('A store that cannot be used', () => {
  it.each(UNUSABLE)(
    'because it is $kind is reported and left as it is, and the next one serves',
    async ({ make, cause }) => {
      make();
      const isFile = statSync(slot).isFile();
      const before = isFile ? readFileSync(slot, 'utf8') : contentsOf(slot);
      const destination = new RecordingBackend();
      const tracker = processes.start(destination);
      for (const name of numbered(3)) tracker.emit(name);
      await tracker.flush();
      await tracker.close();
      expect(namesOf(destination.events)).toEqual(numbered(3));
      expect(processes.log).toEqual([expect.stringMatching(cause)]);
      expect(readdirSync(processes.directory).sort()).toEqual(['0', '1']);
      expect(isFile ? readFileSync(slot, 'utf8') : contentsOf(slot)).toEqual(before);
    },
  );
});

describe('A store of format version 1', () => {
  it('stays readable', async () => {
    cpSync(FORMAT_1, processes.directory, { recursive: true });
    const destination = new RecordingBackend();
    const tracker = processes.start(destination);
    await tracker.flush();
    expect(destination.events.map(({ name, data }) => [name, data])).toEqual([
      ['first', { at: new Date(5), text: 'größer 🎉' }],
      ['third', { 'a.b': { $date: 'text' } }],
      ['fourth', {}],
    ]);
    expect(destination.events[0]).toMatchObject({
      id: '00000000-0000-4000-8000-000000000000',
      timestamp: new Date(1_700_000_000_000),
      context: { user_id: 7 },
    });
    expect(processes.log).toEqual([]);
  });
});

describe('The files of a queue on disk', () => {
  it.each(['000', '022', '077', '777'])(
    'are readable by their owner alone when the umask is %s',
    async (umask) => {
      const before = process.umask(Number.parseInt(umask, 8));
      try {
        const directory = join(processes.directory, 'queue');
        const tracker = processes.start(stuck, { directory });
        tracker.emit('sold');
        await queued(tracker, 1);
        const names = readdirSync(directory, { recursive: true }) as string[];
        const modes = ['', ...names].map((name) => [
          name.replace(/lock-.*/, 'lock'),
          (statSync(join(directory, name)).mode & 0o777).toString(8),
        ]);
        expect(Object.fromEntries(modes)).toEqual({
          '': '700',
          '0': '700',
          '0/0000000000000001.events': '600',
          '0/lock': '600',
          '0/store.json': '600',
          '0/synced': '600',
        });
      } finally {
        process.umask(before);
      }
    },
  );
});
