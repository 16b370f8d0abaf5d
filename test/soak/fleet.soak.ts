import { Queue, QueueEvents } from 'bullmq';
import type { Connection } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startMongo, type MongoServer } from '../services/mongo-server.js';
import {
  startRedis,
  WRITE_BEFORE_ACKNOWLEDGING,
  type RedisServer,
} from '../services/redis-server.js';
import { connectMongo } from '../support/mongo.js';
import { randomFrom } from '../support/random.js';
import { FleetApplication, FleetWorker, type FleetServers } from './fleet.js';

const MILLION = 1_000_000;
const WORKERS = 4;
/** How many applications run at a time; when one stops, a successor replaces it. */
const PLACES = 2;
const SHARE = MILLION / PLACES;
/** How many events an application keeps in memory: half of the queue's capacity. */
const ROOM = 25_000;
/** How many events an application sends to Redis concurrently. */
const UNDER_WAY = 2_000;
const WITHIN = { timeout: 480_000, interval: 20 };

const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const between = (low: number, high: number): number => Math.floor(low + random() * (high - low));

/** After how many events faults happen: emitted in a place, emitted in total, or stored. */
const plan = {
  replacements: Array.from({ length: PLACES }, () => [
    between(0.1 * SHARE, 0.4 * SHARE),
    between(0.5 * SHARE, 0.9 * SHARE),
  ]),
  outage: between(0.2 * MILLION, 0.6 * MILLION),
  deaths: [
    { after: between(0.05 * MILLION, 0.45 * MILLION), of: between(0, WORKERS) },
    { after: between(0.55 * MILLION, 0.9 * MILLION), of: between(0, WORKERS) },
  ],
};

let mongo: MongoServer;
let redis: RedisServer;
let servers: FleetServers;
let store: Connection;
let queue: Queue;
let queueEvents: QueueEvents;
/** How many jobs of dead workers other workers recovered. */
let recoveredJobs = 0;
const applications: FleetApplication[] = [];
const workers: FleetWorker[] = [];

beforeAll(async () => {
  [mongo, redis] = [await startMongo({ fast: true }), await startRedis(WRITE_BEFORE_ACKNOWLEDGING)];
  const database = new URL(mongo.uri);
  database.pathname = `/fleet-${Date.now()}`;
  servers = { mongoUri: database.href, redisPort: redis.port };
  store = await connectMongo(database.href);
  const connection = { host: '127.0.0.1', port: redis.port };
  const options = { connection, prefix: '{event-tracking}' };
  queue = new Queue('event-tracking', options);
  queueEvents = new QueueEvents('event-tracking', options);
  queueEvents.on('stalled', () => recoveredJobs++);
  // The test kills Redis for a while.
  queue.on('error', () => {});
  queueEvents.on('error', () => {});
  await queueEvents.waitUntilReady();
  console.log(`${mongo.description}, ${redis.description}, seed ${seed}: ${JSON.stringify(plan)}`);
}, 1_800_000);

afterAll(async () => {
  await Promise.all([...applications, ...workers].map((member) => member.kill()));
  await Promise.all([queue.close(), queueEvents.close()]);
  await store.close();
  await redis.stop();
  await mongo.stop();
});

function startWorker(): FleetWorker {
  const worker = new FleetWorker(servers);
  workers.push(worker);
  return worker;
}

/** Emits a place's share of the events from applications that replace each other. */
async function occupy(replacements: readonly number[]): Promise<void> {
  let done = 0;
  for (const until of [...replacements, SHARE]) {
    const task = { number: applications.length, count: SHARE - done, room: ROOM };
    const application = new FleetApplication(servers, task);
    applications.push(application);
    const enough = until - done;
    await application.until(() => application.emitted >= enough);
    // The successor starts while this application still sends its queued events to Redis.
    done += await application.stop();
  }
  expect(done).toBe(SHARE);
}

const sumOf = <T>(all: readonly T[], figure: (each: T) => number): number =>
  all.reduce((sum, each) => sum + figure(each), 0);

const emitted = (): number => sumOf(applications, (application) => application.emitted);
const stored = (): number => sumOf(workers, (worker) => worker.store.delivered);

/** Kills workers that hold events, and replaces them. */
async function killWorkers(team: FleetWorker[]): Promise<void> {
  for (const { after, of } of plan.deaths) {
    const victim = team[of]!;
    await victim.until(() => stored() >= after && victim.store.pending > 0);
    const underWay = victim.store.pending;
    expect(await victim.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    console.log(`A worker died at ${stored()} stored, with ${underWay} under way`);
    team[of] = startWorker();
  }
}

/** Kills Redis, and restarts it after an application has retried more than once. */
async function interruptRedis(): Promise<void> {
  await vi.waitUntil(() => emitted() >= plan.outage, WITHIN);
  await redis.kill();
  const start = performance.now();
  await vi.waitUntil(() => applications.some((each) => each.queue.retried > UNDER_WAY), WITHIN);
  const held = sumOf(applications, (each) => each.queue.pending);
  await redis.restart();
  const seconds = (performance.now() - start) / 1_000;
  console.log(
    `Redis died at ${plan.outage} emitted, for ${seconds.toFixed(1)} s; ${held} events waited for it`,
  );
}

/** Returns the application and the sequence number of each stored event. */
async function emissions(): Promise<Set<string>> {
  const pairs = new Set<string>();
  const all = store
    .collection('events')
    .find({}, { projection: { 'context.application': 1, 'data.sequence': 1 } })
    .batchSize(10_000);
  for await (const { context, data } of all) pairs.add(`${context.application} ${data.sequence}`);
  return pairs;
}

describe('A fleet of applications and workers', () => {
  it('stores every event once while workers die, Redis restarts and applications are replaced', async () => {
    const start = performance.now();
    const team = Array.from({ length: WORKERS }, startWorker);
    await Promise.all([...plan.replacements.map(occupy), killWorkers(team), interruptRedis()]);

    for (const application of applications) {
      expect(await application.ended(), application.output).toEqual({ code: 0, signal: null });
      const count = application.emitted;
      const ofAll = { arrived: count, delivered: count, dropped: {}, dead: 0, pending: 0 };
      expect(application.queue, application.output).toMatchObject(ofAll);
    }
    expect(emitted()).toBe(MILLION);

    await vi.waitUntil(async () => {
      const jobs = await queue.getJobCounts('wait', 'active', 'delayed');
      return Object.values(jobs).every((count) => count === 0);
    }, WITHIN);
    const seconds = (performance.now() - start) / 1_000;
    expect(Object.entries(await queue.getJobCounts()).filter(([, count]) => count > 0)).toEqual([]);
    // The event id is the document id, so MongoDB cannot store an event twice.
    expect(await store.collection('events').countDocuments()).toBe(MILLION);
    expect((await emissions()).size).toBe(MILLION);

    for (const worker of team) {
      worker.terminate();
      expect(await worker.ended(), worker.output).toEqual({ code: null, signal: 'SIGTERM' });
      expect(worker.store).toMatchObject({ dropped: {}, dead: 0, pending: 0 });
    }
    console.log(
      `${MILLION} events by ${applications.length} applications and ${workers.length} workers in ` +
        `${seconds.toFixed(1)} s: ${Math.round(MILLION / seconds)} per second; ${recoveredJobs} jobs recovered`,
    );
  });
});
