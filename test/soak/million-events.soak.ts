import type { Connection } from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startMongo, type MongoServer } from '../services/mongo-server.js';
import { startTcpProxy, type TcpProxy } from '../services/tcp-proxy.js';
import { unaccountedEvents } from '../support/unaccounted-events.js';
import { connectMongo } from '../support/mongo.js';
import { runProducer } from './run-producer.js';

const MILLION = 1_000_000;
const MIB = 2 ** 20;
const DELIVERY = {
  batchSize: 1_000,
  concurrency: 4,
  capacity: 50_000,
  maxBytes: 64 * MIB,
  retry: { minDelay: 100, maxDelay: 1_000 },
};

let server: MongoServer;
let proxy: TcpProxy;
let observer: Connection;
let uri: string;

beforeAll(async () => {
  server = await startMongo({ fast: true });
  console.log(`MongoDB: ${server.description}`);
}, 1_800_000);

afterAll(() => server.stop());

beforeEach(async () => {
  proxy = await startTcpProxy(server.port);
  const database = new URL(server.uri);
  database.pathname = `/soak-${Date.now()}`;
  observer = await connectMongo(database.href);
  uri = database.href;
});

afterEach(async () => {
  await observer.dropDatabase();
  await observer.close();
  await proxy.stop();
});

const throughProxy = (): string => {
  const url = new URL(uri);
  url.port = String(proxy.port);
  return url.href;
};

/** Counts stored events without the warm-up; each is unique, because its id is the document id. */
const stored = (): Promise<number> =>
  observer.collection('events').countDocuments({ 'data.mark': 'counted' });

describe('A million events', () => {
  it('are each stored once if the producer yields', async () => {
    const report = await runProducer({
      uri,
      count: MILLION,
      burst: 100,
      paced: true,
      delivery: DELIVERY,
    });
    expect(report.stats).toMatchObject({ dropped: {}, pending: 0, dead: 0 });
    expect(await stored()).toBe(MILLION);
    expect(report.delayP99Milliseconds).toBeLessThan(50);
    expect(report.rejections).toEqual([]);
  });

  it('are stored or counted as dropped if the producer never yields', async () => {
    const report = await runProducer({ uri, count: MILLION, burst: 0, delivery: DELIVERY });
    const { dropped, pending } = report.stats;
    expect(pending).toBe(0);
    expect((await stored()) + (dropped.overflow ?? 0)).toBe(MILLION);
    expect(report.rejections).toEqual([]);
  });

  it('are stored or counted as dropped while the destination is down', async () => {
    const down = proxy;
    const report = await runProducer(
      { uri: throughProxy(), count: MILLION, burst: 100, delivery: DELIVERY },
      { emitting: () => down.cut(), emitted: () => down.mend() },
    );
    const { arrived, dropped } = report.stats;
    expect(unaccountedEvents(report.stats)).toBe(0);
    expect(arrived).toBe(MILLION + report.warmUp);
    expect((await stored()) + (dropped.overflow ?? 0)).toBe(MILLION);
    expect(dropped.overflow).toBeGreaterThan(MILLION / 2);
    expect(report.growthWhileEmitting).toBeLessThan(DELIVERY.maxBytes + 50 * MIB);
    expect(report.emitNanoseconds).toBeLessThan(2 * report.noopNanoseconds);
    expect(report.rejections).toEqual([]);
  });
});

describe('A destination that is down for half a minute', () => {
  it('receives every event once after it recovers', async () => {
    const down = proxy;
    const report = await runProducer(
      { uri: throughProxy(), count: 20_000, burst: 100, delivery: DELIVERY },
      {
        emitting() {
          down.cut();
          setTimeout(() => down.mend(), 30_000);
        },
      },
    );
    expect(report.stats).toMatchObject({ dropped: {}, dead: 0, pending: 0 });
    expect(report.stats.retried).toBeGreaterThan(0);
    expect(await stored()).toBe(20_000);
  });
});
