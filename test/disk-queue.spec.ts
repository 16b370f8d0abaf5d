import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AsyncRoutingBackend,
  EventTrackingModule,
  ImproperlyConfigured,
  Tracker,
  type EventStats,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { DiskEventQueue, type DiskEventQueueOptions } from 'nestjs-event-tracking/disk';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DiskProcesses, stuck } from './support/disk-processes.js';
import { ROOT } from './support/root.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
const AT_ONCE = AbortSignal.abort();

let directory: string;
let trackers: Tracker[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'disk-queue-'));
  trackers = [];
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  for (const tracker of trackers) await tracker.close({ signal: AbortSignal.timeout(2_000) });
  await rm(directory, { recursive: true, force: true });
});

/** Creates a tracker with a queue on disk, as a process would. */
function trackerOf(
  backends: Record<string, Backend>,
  { node = 'node', ...options }: Partial<DiskEventQueueOptions> & { node?: string } = {},
): Tracker {
  const queue = new DiskEventQueue({ directory, logger: log, syncInterval: 10, ...options });
  const tracker = new Tracker({
    backends: { [node]: new AsyncRoutingBackend({ queue, backends }) },
    logger: log,
  });
  trackers.push(tracker);
  return tracker;
}

/** A destination that accepts events only after `open`. */
class Gate implements Backend {
  readonly taken: TrackingEvent[] = [];
  open = (): void => {};
  readonly #isOpen = new Promise<void>((resolve) => (this.open = resolve));

  async send(event: TrackingEvent): Promise<void> {
    await this.#isOpen;
    this.taken.push(event);
  }
}

const names = (events: readonly TrackingEvent[]): string[] => events.map(({ name }) => name);
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `e${index}`);
const waiting = (tracker: Tracker): number => tracker.stats().backends['node.queue']!.pending;
const delivered = (tracker: Tracker): number => tracker.stats().backends['node.queue']!.delivered;

/** Leaves undelivered events on the disk. */
async function leaveEvents(count: number, node = 'node'): Promise<void> {
  const tracker = trackerOf({ destination: new Gate() }, { node });
  for (const name of numbered(count)) tracker.emit(name);
  await vi.waitUntil(() => tracker.stats().backends[`${node}.queue`]!.delivered === count);
  await tracker.close({ signal: AT_ONCE });
  await isReleased();
}

/** Resolves when no process holds the store. */
async function isReleased(slot = '0'): Promise<void> {
  await vi.waitUntil(async () => {
    const names = await readdir(join(directory, slot)).catch(() => []);
    return !names.some((name) => name.startsWith('lock-'));
  });
}

const eventOf = (name: string): TrackingEvent => ({
  id: randomUUID(),
  name,
  timestamp: new Date(),
  context: {},
  data: {},
});

describe('DiskEventQueue', () => {
  it('delivers events in order, with their context and dates', async () => {
    const destination = new RecordingBackend();
    const tracker = trackerOf({ destination });
    tracker.context('user', { user_id: 7 }, () =>
      tracker.emit('sold', { at: new Date(5), 'a.b': { $date: 'no date' } }),
    );
    for (const name of numbered(500)) tracker.emit(name);
    await tracker.flush();
    const [first, ...others] = destination.events;
    expect(first).toMatchObject({
      name: 'sold',
      context: { user_id: 7 },
      data: { at: new Date(5), 'a.b': { $date: 'no date' } },
    });
    expect(names(others)).toEqual(numbered(500));
    expect(log.error).not.toHaveBeenCalled();
  });

  it('delivers queued events once and in order after a restart', async () => {
    await leaveEvents(250);
    const destination = new RecordingBackend();
    const tracker = trackerOf({ destination });
    tracker.emit('new');
    await tracker.flush();
    expect(names(destination.events)).toEqual([...numbered(250), 'new']);
    await tracker.close();

    const nothing = new RecordingBackend();
    await trackerOf({ nothing }).flush();
    expect(nothing.events).toEqual([]);
  });

  it('sends an event again after a restart only to the destinations that missed it', async () => {
    const [fast, slow] = [new RecordingBackend(), new Gate()];
    const tracker = trackerOf({ fast, slow });
    for (const name of numbered(3)) tracker.emit(name);
    await vi.waitUntil(() => fast.events.length === 3);
    await tracker.close({ signal: AbortSignal.timeout(50) });
    await isReleased();

    const [fastAgain, slowAgain] = [new RecordingBackend(), new RecordingBackend()];
    await trackerOf({ fast: fastAgain, slow: slowAgain }).flush();
    expect(names(fastAgain.events)).toEqual([]);
    expect(names(slowAgain.events)).toEqual(numbered(3));
  });

  it('lets processes share a directory, each with its own store', async () => {
    const [first, second] = [new RecordingBackend(), new RecordingBackend()];
    const [one, other] = [trackerOf({ destination: first }), trackerOf({ destination: second })];
    one.emit('one');
    other.emit('other');
    await Promise.all([one.flush(), other.flush()]);
    expect([names(first.events), names(second.events)]).toEqual([['one'], ['other']]);
    expect(await readdir(directory)).toEqual(['0', '1']);
  });

  it('delivers events left by a process that ends while this one runs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const left = trackerOf({ destination: new Gate() });
      for (const name of numbered(5)) left.emit(name);
      await vi.waitUntil(() => delivered(left) === 5);
      const destination = new RecordingBackend();
      const tracker = trackerOf({ destination });
      await tracker.flush();
      expect(destination.events).toEqual([]);

      // The first search may still be running and find the store.
      await left.close({ signal: AT_ONCE });
      await isReleased();
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitUntil(() => destination.events.length === 5);
      expect(names(destination.events)).toEqual(numbered(5));
    } finally {
      vi.useRealTimers();
    }
  });

  it('serves several nodes, none of which blocks another', async () => {
    const queue = new DiskEventQueue({ directory, logger: log, syncInterval: 10, concurrency: 10 });
    const [stuck, free] = [new Gate(), new RecordingBackend()];
    const tracker = new Tracker({
      backends: {
        stuck: new AsyncRoutingBackend({ queue, backends: { stuck } }),
        free: new AsyncRoutingBackend({ queue, backends: { free } }),
      },
      logger: log,
    });
    trackers.push(tracker);
    for (const name of numbered(100)) tracker.emit(name);
    await vi.waitUntil(() => free.events.length === 100);
    expect(stuck.taken).toEqual([]);
    stuck.open();
    await tracker.flush();
    expect(names(stuck.taken)).toEqual(numbered(100));
  });

  it('warns once about events of a node that no longer exists', async () => {
    await leaveEvents(3, 'renamed');
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await trackerOf({ destination: new RecordingBackend() }).flush();
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitUntil(() => log.warn.mock.calls.length > 0);
      await vi.advanceTimersByTimeAsync(5_000);
    } finally {
      vi.useRealTimers();
    }
    expect(log.warn.mock.calls).toEqual([
      [expect.stringMatching(/has events of a node 'renamed' of the tracker 'default'/)],
    ]);
  });

  it('keeps events beyond maxBytes in memory until there is room', async () => {
    const gate = new Gate();
    const maxBytes = 2 ** 20;
    const tracker = trackerOf({ gate }, { maxBytes, delivery: { batchSize: 100 }, concurrency: 1 });
    for (const name of numbered(1_000)) {
      tracker.emit(name, { noise: randomBytes(2_000).toString('latin1') });
    }
    await vi.waitUntil(() => log.warn.mock.calls.some(([text]) => /is full \(maxBytes/.test(text)));
    expect(waiting(tracker)).toBeGreaterThan(0);
    const files = (await filesIn('0')).map((name) => statSync(join(directory, '0', name)).size);
    expect(files.reduce((sum, size) => sum + size, 0)).toBeLessThan(2 * maxBytes);
    gate.open();
    await tracker.flush();
    expect(names(gate.taken).toSorted()).toEqual(numbered(1_000).toSorted());
    expect(tracker.stats().backends['node.queue']).toMatchObject({ pending: 0, dropped: {} });
  }, 30_000);
});

describe('A queue on disk that is closed', () => {
  it('releases its store, and does not open it again', async () => {
    const tracker = trackerOf({ destination: new RecordingBackend() });
    tracker.emit('sold');
    await tracker.close();
    await tracker.flush();
    await tracker.flush();
    await isReleased();
  });

  it('stops its timer, even if it is closed before it has opened a store', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await trackerOf({ destination: new RecordingBackend() }).close({ signal: AT_ONCE });
      await isReleased();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps events for a destination that no longer exists, and warns about them', async () => {
    const slow = new Gate();
    const tracker = trackerOf({ fast: new RecordingBackend(), slow });
    for (const name of numbered(3)) tracker.emit(name);
    await vi.waitUntil(() => tracker.stats().backends['node.fast']!.delivered === 3);
    await tracker.close({ signal: AbortSignal.timeout(50) });
    await isReleased();

    const without = trackerOf({ fast: new RecordingBackend() });
    await without.flush();
    await without.close();
    expect(log.warn).toHaveBeenCalledWith(
      expect.stringMatching(/for the backend 'node\.slow', which does not exist/),
    );
    await isReleased();

    const slowAgain = new RecordingBackend();
    await trackerOf({ fast: new RecordingBackend(), slow: slowAgain }).flush();
    expect(names(slowAgain.events)).toEqual(numbered(3));
  });

  it('delivers after a restart events that waited in another queue behind it', async () => {
    const behind = (backends: Record<string, Backend>): Tracker =>
      trackerOf({ inner: new AsyncRoutingBackend({ backends }) });
    const tracker = behind({ destination: new Gate() });
    for (const name of numbered(3)) tracker.emit(name);
    await vi.waitUntil(() => tracker.stats().backends['node.inner.destination']!.arrived === 3);
    await tracker.close({ signal: AT_ONCE });
    await isReleased();

    const destination = new RecordingBackend();
    await behind({ destination }).flush();
    expect(names(destination.events)).toEqual(numbered(3));
    expect(log.warn).not.toHaveBeenCalledWith(expect.stringMatching(/is not there/));
  });

  it('offers an event that its consumer has refused only once until the next start', async () => {
    const queue = new DiskEventQueue({ directory, logger: log });
    const consumed: string[] = [];
    const producer = queue.open({
      position: () => ({ tracker: 'default', path: 'node' }),
      async consume(events) {
        consumed.push(...events.map(({ event }) => event.name));
        return events.filter(({ event }) => event.name === 'left');
      },
      register: async () => {},
    });
    producer.start!({ worker: true });
    for (const name of ['left', 'taken', 'taken']) {
      await producer.send(eventOf(name));
      await producer.flush!({});
    }
    expect(consumed).toEqual(['left', 'taken', 'taken']);
    await producer.close!({});
  });
});

describe('An abandoned store', () => {
  /** Opens a node of the queue, whose tree is complete once its producer has started. */
  function openNode(queue: DiskEventQueue, path: string, refused?: string) {
    const taken: string[] = [];
    const producer = queue.open({
      position: () => ({ tracker: 'default', path }),
      async consume(events) {
        taken.push(...events.map(({ event }) => event.name));
        return events.filter(({ event }) => event.name === refused);
      },
      register: async () => {},
    });
    return { taken, producer };
  }

  const queueOf = (): DiskEventQueue =>
    new DiskEventQueue({ directory, logger: log, syncInterval: 10 });

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  it('is not consumed before the tree of its node is complete', async () => {
    const queue = queueOf();
    const [ready, unready] = [openNode(queue, 'ready'), openNode(queue, 'unready')];
    ready.producer.start!({ worker: false });
    await ready.producer.flush!({});

    const gone = queueOf();
    const left = ['ready', 'unready'].map((path) => ({ path, ...openNode(gone, path) }));
    for (const { path, producer } of left) void producer.send(eventOf(path));
    for (const { producer } of left) await producer.close!({});
    await isReleased('1');
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitUntil(() => ready.taken.length === 1);
    await isReleased('1');
    expect(unready.taken).toEqual([]);

    unready.producer.start!({ worker: false });
    await vi.waitUntil(() => unready.taken.length === 1);
    await Promise.all([ready.producer.close!({}), unready.producer.close!({})]);
  });

  it('is searched once, even if other processes open it', async () => {
    const { taken, producer } = openNode(queueOf(), 'node', 'refused');
    producer.start!({ worker: false });
    await producer.flush!({});
    const leave = async (name: string, slot: string): Promise<void> => {
      const gone = openNode(queueOf(), 'node');
      void gone.producer.send(eventOf(name));
      await gone.producer.close!({});
      await isReleased(slot);
    };
    await leave('refused', '1');
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitUntil(() => taken.length === 1);
    await isReleased('1');

    const other = new DiskEventQueue({ directory, logger: log });
    await other.check(); // claims the store
    const files = await filesIn('1');
    await leave('taken', '2');
    expect(await filesIn('1')).toEqual(files);
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitUntil(() => taken.includes('taken'));
    await other.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(taken).toEqual(['refused', 'taken']);
    await producer.close!({});
  });

  it('is released when it cannot be read, and tried again later', async () => {
    const { taken, producer } = openNode(queueOf(), 'node');
    producer.start!({ worker: false });
    await producer.flush!({});
    const gone = openNode(queueOf(), 'node');
    void gone.producer.send(eventOf('sold'));
    await gone.producer.close!({});
    await isReleased('1');
    const [segment] = (await filesIn('1')).filter((name) => name.endsWith('.events'));
    const path = join(directory, '1', segment!);
    await rename(path, join(directory, 'kept'));
    await mkdir(path); // reading it fails with EISDIR
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitUntil(() => log.error.mock.calls.some(([text]) => /EISDIR/.test(text)));
    await isReleased('1');
    await rm(path, { recursive: true });
    await rename(join(directory, 'kept'), path);
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitUntil(() => taken.includes('sold'));
    await producer.close!({});
  });
});

/** Returns the files of a store, without the sockets of processes. */
async function filesIn(slot: string): Promise<string[]> {
  const names = await readdir(join(directory, slot));
  return names.filter((name) => !name.startsWith('lock-')).sort();
}

describe('A queue on disk that has delivered the events of a killed process', () => {
  it('delivers its own first event without a restart', async () => {
    const processes = await DiskProcesses.create();
    try {
      await processes.leave(numbered(250), { isKilled: true });
      const destination = new RecordingBackend();
      const tracker = processes.start(destination);
      await vi.waitUntil(() => destination.events.length === 250);
      await processes.settled('0');
      tracker.emit('new');
      await vi.waitUntil(() => destination.events.length === 251);
      expect(destination.events.at(-1)!.name).toBe('new');
    } finally {
      await processes.end();
    }
  });

  it('delivers its own first event without a restart when it has searched another store', async () => {
    const processes = await DiskProcesses.create();
    try {
      const first = processes.start(stuck);
      await vi.waitUntil(() => existsSync(join(processes.directory, '0')));
      await processes.leave(numbered(250), { slot: '1' });
      const destination = new RecordingBackend();
      await first.close({ signal: AT_ONCE });
      const tracker = processes.start(destination);
      await vi.waitUntil(() => destination.events.length === 250);
      tracker.emit('new');
      await vi.waitUntil(() => destination.events.length === 251);
    } finally {
      await processes.end();
    }
  });
});

describe('A queue on disk whose process is killed', () => {
  const program = join(ROOT, 'test/support/disk-application.mjs');
  /** Half of the interval is for writing, which is slow on a busy machine. */
  const SYNC_INTERVAL_MS = 400;

  it('loses no event that is older than syncInterval, through ten kills', async () => {
    const [destination, emitted] = [join(directory, 'delivered'), join(directory, 'emitted')];
    const queue = join(directory, 'queue');
    const start = (first: string) =>
      spawn(
        process.execPath,
        [program, queue, destination, emitted, first, `${SYNC_INTERVAL_MS}`],
        {
          stdio: 'inherit',
        },
      );
    const due: number[] = [];
    for (let life = 1; life <= 10; life++) {
      const first = life * 1_000_000;
      const child = start(`${first}`);
      const lifetime = SYNC_INTERVAL_MS * (1.5 + Math.random() * 1.5);
      await vi.waitUntil(() => existsSync(emitted) && lastOf(emitted) > first, { timeout: 10_000 });
      await new Promise((resolve) => setTimeout(resolve, lifetime)); // a random moment is the point
      const died = Date.now();
      child.kill('SIGKILL');
      await once(child, 'close');
      const safe = marksOf(emitted).filter(
        ({ number, time }) => number >= first && time < died - SYNC_INTERVAL_MS,
      );
      for (let number = first; number <= safe.at(-1)!.number; number++) due.push(number);
    }
    const [code] = (await once(start('drain'), 'close')) as [number];
    expect(code).toBe(0);
    const delivered = new Set(readFileSync(destination, 'utf8').split('\n').map(Number));
    expect(due.length).toBeGreaterThan(5_000);
    expect(due.filter((number) => !delivered.has(number))).toEqual([]);
  }, 120_000);
});

/** Returns the numbers that the application emitted, and when. */
function marksOf(file: string): { number: number; time: number }[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [number, time] = line.split(' ').map(Number);
    return { number: number!, time: time! };
  });
}

const lastOf = (file: string): number => marksOf(file).at(-1)!.number;

describe('A disk that fails', () => {
  const program = join(ROOT, 'test/support/limited-disk-application.mjs');

  it('loses no event: they wait in memory until writes succeed again', async () => {
    const limited = `trap '' XFSZ; ulimit -S -f 512; exec "$0" "$@"`;
    const child = spawn('bash', ['-c', limited, process.execPath, program, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const said = async () => JSON.parse((await lines.next()).value as string) as EventStats;
    const failing = await said();
    expect(failing.retried).toBeGreaterThan(0);
    expect(failing.pending).toBeGreaterThan(0);
    execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited']);
    child.stdin.end('mended');
    const mended = await said();
    await once(child, 'close');
    expect(mended).toMatchObject({ arrived: 2_000, delivered: 2_000, pending: 0, dropped: {} });
  }, 30_000);
});

describe('DiskEventQueue in a Nest application', () => {
  it('consumes without worker: true, and delivers queued events at shutdown', async () => {
    const destination = new RecordingBackend();

    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: {
            node: {
              queue: { useFactory: () => new DiskEventQueue({ directory }) },
              backends: { destination },
            },
          },
        }),
      ],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    for (const name of numbered(100)) app.get(Tracker).emit(name);
    await app.close();
    expect(names(destination.events)).toEqual(numbered(100));
  });

  it('rejects the start when it cannot write to the directory', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');

    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: { node: { queue: new DiskEventQueue({ directory: file }), backends: {} } },
        }),
      ],
    })
    class AppModule {}

    const started = NestFactory.createApplicationContext(AppModule, {
      logger: false,
      abortOnError: false,
    });
    await expect(started).rejects.toThrow(/can write to; '.*file' is not: .*EEXIST/);
  });

  it('rejects a second node of the same name, which would consume the events of the first', async () => {
    const queue = new DiskEventQueue({ directory, logger: log });
    const another = (): Tracker =>
      new Tracker({
        backends: {
          node: new AsyncRoutingBackend({
            queue,
            backends: { destination: new RecordingBackend() },
          }),
        },
        logger: log,
      });
    const first = another();
    expect(another).toThrow(ImproperlyConfigured);
    expect(another).toThrow(
      /this queue already serves a node 'node' of a tracker 'default'\. Give each/,
    );
    await first.close();
  });

  it.each([
    [{ directory: '' }, /directory must be a path/],
    [{ directory: 'x', syncInterval: 0 }, /syncInterval must be a whole number above 0/],
    [{ directory: 'x', maxBytes: 1.5 }, /maxBytes must be a whole number above 0/],
  ])('rejects the invalid options %o', (options, message) => {
    expect(() => new DiskEventQueue(options)).toThrow(ImproperlyConfigured);
    expect(() => new DiskEventQueue(options)).toThrow(message);
  });
});
