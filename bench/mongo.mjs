/** Measures events per second into MongoDB against the driver, and the cost of `emit` meanwhile. */
import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { MongoBackend, mongoBackend } from 'nestjs-event-tracking/mongo';
import { nanosecondsPerCallInBursts, turn } from './bursts.mjs';
import { reportCallersCost } from './callers-cost.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const EVENTS = 40_000;
const ONE_BY_ONE = 2_000;
const { batchSize, concurrency, capacity } = mongoBackend().delivery;
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);

const uri = process.env.MONGODB_URI;
if (uri === undefined) throw new Error('MONGODB_URI is not set. Run npm run bench -- mongo.');
const connection = await mongoose
  .createConnection(uri, { dbName: `bench-${process.pid}` })
  .asPromise();
const bare = connection.getClient().db(`bench-${process.pid}`).collection('bare');
await connection.createCollection('bare');
await Promise.all([{ timestamp: -1 }, { name: 1 }].map((key) => bare.createIndex(key)));

const tracker = new Tracker({
  backends: {
    mongo: new DeliveringBackend(new MongoBackend({ connection }), mongoBackend().delivery),
  },
});
tracker.enterContext('request', context());
const pending = () => tracker.stats().backends.mongo.pending;
const emit = () => tracker.emit(NAME, data());

async function eventsPerSecond(count, work) {
  const start = performance.now();
  await work(count);
  return (count / (performance.now() - start)) * 1_000;
}

async function throughMongoBackend(count) {
  await nanosecondsPerCallInBursts(emit, count, () => pending() < capacity);
  await tracker.flush();
}

async function insertMany(count) {
  let started = 0;
  const worker = async () => {
    while (started < count) {
      started += batchSize;
      const documents = Array.from({ length: batchSize }, document);
      await bare.insertMany(documents, { ordered: false });
      await turn();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function insertOneByOne(count) {
  for (let done = 0; done < count; done++) await bare.insertOne(document());
}

const document = () => {
  const { id: _, ...rest } = event();
  return { _id: randomUUID(), ...rest };
};

report({
  what: `MongoBackend, against the bare driver's insertMany (${batchSize} by ${concurrency})`,
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(EVENTS, throughMongoBackend),
    alternative: () => eventsPerSecond(EVENTS, insertMany),
    rounds,
  }),
  goal: { atLeast: 0.9 },
});

report({
  what: 'MongoBackend, against one acknowledged insertOne per event',
  unit: 'events/s',
  result: await sideBySide({
    subject: () => eventsPerSecond(EVENTS, throughMongoBackend),
    alternative: () => eventsPerSecond(ONE_BY_ONE, insertOneByOne),
    rounds,
  }),
  goal: { atLeast: 10 },
});

await reportCallersCost({
  backend: 'MongoBackend',
  tracker,
  hasRoom: () => pending() < capacity - 100,
  events: EVENTS,
  rounds,
});

await connection.dropDatabase();
await connection.close();
