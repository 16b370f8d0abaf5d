/**
 * Measures events per second to and from the disk against bare files, and the cost of `emit`, of
 * syncing and of opening a store.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncRoutingBackend, MemoryEventQueue, Tracker } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { nanosecondsPerCallInBursts } from './bursts.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 40_000;
const BATCH = 1_000;
const CAPACITY = 10_000;
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);
const directory = await mkdtemp(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'bench-disk-'));

/** Returns a tracker whose node has this queue, and the number of events not stored yet. */
function trackerBehind(queue) {
  const node = new AsyncRoutingBackend({ queue, backends: { nothing: { send() {} } } });
  const tracker = new Tracker({ backends: { node } });
  tracker.enterContext('request', context());
  return {
    flush: () => tracker.flush(),
    emit: () => tracker.emit(NAME, data()),
    pending: () => tracker.stats().backends['node.queue'].pending,
    close: () => tracker.close(),
  };
}

/** Returns a tracker whose events are stored and never consumed. */
function writingTracker() {
  const queue = new DiskEventQueue({
    directory: join(directory, 'written'),
    maxBytes: 2 ** 40,
    delivery: { batchSize: BATCH },
  });
  const entrance = queue.open({
    position: () => ({ tracker: 'default', path: 'node' }),
    consume: () => [],
  });
  const tracker = new Tracker({ backends: { entrance } });
  tracker.enterContext('request', context());
  return { tracker, entrance };
}

async function eventsPerSecond(work) {
  const start = performance.now();
  await work();
  return (EVENTS / (performance.now() - start)) * 1_000;
}

const { tracker: writing, entrance } = writingTracker();
const bare = await open(join(directory, 'bare'), 'w');

async function throughQueue() {
  const pending = () => Object.values(entrance.stats())[0].pending;
  await nanosecondsPerCallInBursts(
    () => writing.emit(NAME, data()),
    EVENTS,
    () => pending() < CAPACITY,
  );
  await writing.flush();
}

async function throughBareFile() {
  for (let done = 0; done < EVENTS; done += BATCH) {
    const lines = Array.from({ length: BATCH }, () => `${JSON.stringify(event())}\n`);
    await bare.write(lines.join(''));
    await bare.datasync();
  }
}

report({
  what: `DiskEventQueue, against lines of JSON in a bare file, synced every ${BATCH}`,
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(throughQueue),
    alternative: () => eventsPerSecond(throughBareFile),
    rounds,
  }),
  goal: { atLeast: 0.7 },
});

const onDisk = trackerBehind(new DiskEventQueue({ directory: join(directory, 'emit') }));
const inMemory = trackerBehind(new MemoryEventQueue());

async function costOfEmit({ emit, pending, flush }) {
  const figure = await nanosecondsPerCallInBursts(emit, EVENTS, () => pending() < CAPACITY - 100);
  await flush();
  return figure;
}

report({
  what: 'emit on the caller’s path with a working DiskEventQueue, against MemoryEventQueue',
  unit: 'ns',
  result: await sideBySide({
    subject: () => costOfEmit(onDisk),
    alternative: () => costOfEmit(inMemory),
    rounds,
  }),
  goal: { atMost: 1.2 },
});
await onDisk.close();
await inMemory.close();

/** Measures events per second from a full queue: read, verified, delivered and acknowledged. */
async function throughConsumer() {
  const place = { tracker: 'default', path: 'node' };
  const options = { directory: join(directory, `left-${performance.now()}`), maxBytes: 2 ** 40 };
  const full = new DiskEventQueue({ ...options, delivery: { batchSize: BATCH } });
  const producer = full.open({ place: () => place, consume: () => [] });
  const filling = new Tracker({ backends: { producer } });
  filling.enterContext('request', context());
  for (let number = 0; number < EVENTS; number++) filling.emit(NAME, data());
  await filling.close();
  let consumed = 0;
  const consumer = new DiskEventQueue(options).open({
    place: () => place,
    async consume(events) {
      consumed += events.length;
      return [];
    },
    register: async () => {},
  });
  const start = performance.now();
  consumer.start({ worker: true });
  await consumer.flush();
  const rate = (consumed / (performance.now() - start)) * 1_000;
  await consumer.close();
  return rate;
}

const rates = [];
for (let round = 0; round < rounds; round++) rates.push(await throughConsumer());
const median = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
console.log(
  `opening a store of ${EVENTS.toLocaleString('en')} events and consuming it\n  ` +
    `${median.toLocaleString('en', { maximumFractionDigits: 0 })} events/s`,
);

const RATE_PER_TICK = 50;
const TICK_MS = 10;

/** Measures CPU time per event, from emit to delivery, at a steady 5,000 events per second. */
async function costOfSyncing(syncInterval) {
  const queue = new DiskEventQueue({
    directory: join(directory, `sync-${syncInterval}`),
    syncInterval,
  });
  const { emit, close } = trackerBehind(queue);
  const before = process.cpuUsage();
  let emitted = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      for (let each = 0; each < RATE_PER_TICK; each++) emit();
      emitted += RATE_PER_TICK;
      if (emitted < 10_000) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await close();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / emitted;
}

await costOfSyncing(100);
for (const interval of [2, 10, 100, 1_000]) {
  const cost = await costOfSyncing(interval);
  console.log(
    `syncInterval ${interval} ms at 5,000 events/s\n  ${cost.toFixed(0)} µs of CPU time for each event`,
  );
}

await writing.close();
await bare.close();
await rm(directory, { recursive: true });
