/** Measures events per second into Redis against bare BullMQ, and the cost of `emit` meanwhile. */
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { AsyncRoutingBackend, MemoryEventQueue, Tracker } from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { nanosecondsPerCallInBursts, turn } from './bursts.mjs';
import { provideRedis } from './redis.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 40_000;
const ONE_BY_ONE = 10_000;
const eventsPerJob = 100;
const delivery = { batchSize: 1_000, concurrency: 2, capacity: 50_000 };
const { batchSize, concurrency, capacity } = delivery;
const job = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: false,
};
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);

const redis = await provideRedis();
const { connection } = redis;
const [name, prefix] = [`bench-${process.pid}`, '{event-tracking}'];
const bare = new Queue(name, { connection, prefix });

const nothing = () => ({ nothing: { send() {} } });
const trackerWith = (queue) => {
  const node = new AsyncRoutingBackend({ queue, worker: false, backends: nothing() });
  const tracker = new Tracker({ backends: { node } });
  tracker.enterContext('request', context());
  return tracker;
};
const inRedis = trackerWith(
  new BullMqEventQueue({ connection, name, prefix, eventsPerJob, delivery, job }),
);
const inMemory = trackerWith(new MemoryEventQueue({ capacity }));

const emitInBursts = (tracker, count) =>
  nanosecondsPerCallInBursts(
    () => tracker.emit(NAME, data()),
    count,
    () => tracker.stats().backends['node.queue'].pending < capacity - 100,
  );

/** Deletes the jobs after the measurement, so that they do not affect the next round. */
async function eventsPerSecond(count, work) {
  const start = performance.now();
  await work(count);
  const figure = (count / (performance.now() - start)) * 1_000;
  await bare.obliterate({ force: true });
  return figure;
}

async function throughQueue(count) {
  await emitInBursts(inRedis, count);
  await inRedis.flush();
}

/** Splits events among a number of concurrent tasks, each of which handles a few at once. */
async function together(tasks, count, { each, work }) {
  let started = 0;
  const task = async () => {
    while (started < count) {
      started += each;
      await work();
      await turn();
    }
  };
  await Promise.all(Array.from({ length: tasks }, task));
}

const addBulk = (count) =>
  together(concurrency, count, {
    each: batchSize,
    work: () => bare.addBulk(Array.from({ length: batchSize / eventsPerJob }, () => jobOf())),
  });

/** Keeps as many events in flight as the batches of the other measurements do. */
const addOneByOne = (count) =>
  together(batchSize * concurrency, count, {
    each: 1,
    work() {
      const { name: kind, data: content, opts } = jobOf(1);
      return bare.add(kind, content, opts);
    },
  });

/** Builds the job that the library would create for a number of events. */
function jobOf(count = eventsPerJob) {
  const events = Array.from({ length: count }, () => {
    const { timestamp, ...rest } = event();
    return {
      event: { ...rest, id: randomUUID(), timestamp: { $date: timestamp.toISOString() } },
    };
  });
  return {
    name: 'events',
    data: { tracker: 'default', path: 'node', events },
    opts: { ...job, jobId: `${events[0].event.id}.${count}.default.node` },
  };
}

report({
  what: `BullMqEventQueue, against the bare addBulk (${batchSize} by ${concurrency}, ${eventsPerJob} to a job)`,
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(EVENTS, throughQueue),
    alternative: () => eventsPerSecond(EVENTS, addBulk),
    rounds,
  }),
  goal: { atLeast: 0.9 },
});

report({
  what: `BullMqEventQueue, against one job per event (${batchSize * concurrency} in flight)`,
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(EVENTS, throughQueue),
    alternative: () => eventsPerSecond(ONE_BY_ONE, addOneByOne),
    rounds,
  }),
  goal: { atLeast: 5 },
});

report({
  what: 'emit on the caller’s path with a working BullMqEventQueue, against MemoryEventQueue',
  unit: 'ns',
  result: await sideBySide({
    async subject() {
      const figure = await emitInBursts(inRedis, EVENTS);
      await inRedis.flush();
      await bare.obliterate({ force: true });
      return figure;
    },
    async alternative() {
      const figure = await emitInBursts(inMemory, EVENTS);
      await inMemory.flush();
      return figure;
    },
    rounds,
  }),
  goal: { atMost: 1.2 },
});

await Promise.all([inRedis.close(), inMemory.close()]);
await bare.close();
await redis.stop();
