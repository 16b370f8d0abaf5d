import type { Connection } from 'mongoose';
import {
  DeliveringBackend,
  MemoryBackend,
  Tracker,
  type EventStats,
  type DeliveryOptions,
} from 'nestjs-event-tracking';
import { MongoBackend } from 'nestjs-event-tracking/mongo';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startMongo } from './services/mongo-server.js';
import { startTcpProxy, type TcpProxy } from './services/tcp-proxy.js';
import { unaccountedEvents } from './support/unaccounted-events.js';
import { connectMongo, databaseUri, dropMongo, storedIn } from './support/mongo.js';
import { startProducer } from './support/producer.js';

const QUIET = { warn() {}, error() {} };

/** Retries without limit, after short delays. */
const DELIVERY: DeliveryOptions = {
  batchSize: 50,
  concurrency: 2,
  timeout: 500,
  flushInterval: 10,
  retry: { attempts: Infinity, minDelay: 10, maxDelay: 50 },
};

class Scene {
  readonly dead = new MemoryBackend();
  readonly tracker: Tracker;

  constructor(connection: Connection, delivery: DeliveryOptions = {}) {
    const backend = new MongoBackend({ connection, logger: QUIET });
    const options = { ...DELIVERY, deadLetter: this.dead, ...delivery };
    this.tracker = new Tracker({
      backends: { mongo: new DeliveringBackend(backend, options) },
      logger: QUIET,
    });
  }

  get stats(): EventStats {
    return this.tracker.stats().backends['mongo']!;
  }

  emit(count: number, name = 'course.viewed'): void {
    for (let index = 0; index < count; index++) this.tracker.emit(name, { index });
  }

  /** Emits until a promise settles, and yields to other work in between. */
  async emitUntil(happened: Promise<unknown>): Promise<void> {
    let over = false;
    void happened.finally(() => (over = true));
    while (!over) {
      this.emit(5);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Expects that the stats balance, and that each delivered event is stored once. */
  async expectBalancedStats(observer: Connection, expected: Partial<EventStats>): Promise<void> {
    await this.tracker.flush();
    const { stats } = this;
    expect(stats).toMatchObject({ pending: 0, ...expected });
    expect(unaccountedEvents(stats)).toBe(0);
    expect(stats.dead).toBe(this.dead.events.length);
    const ids = (await storedIn(observer)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(stats.delivered);
  }
}

const delay = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('Events are stored in MongoDB once and counted correctly if', () => {
  let proxy: TcpProxy;
  let proxied: Connection;
  let observer: Connection;

  beforeEach(async () => {
    const port = Number(new URL(inject('mongoUri')).port);
    proxy = await startTcpProxy(port);
    const uri = databaseUri(proxy.port);
    proxied = await connectMongo(uri);
    observer = await connectMongo(uri.replace(`:${proxy.port}`, `:${port}`));
  });

  afterEach(async () => {
    proxy.mend();
    await proxied.close(true);
    await dropMongo(observer);
    await proxy.stop();
  });

  it('connections are reset and refused for a while', async () => {
    const scene = new Scene(proxied);
    scene.emit(120);
    proxy.cut();
    await scene.emitUntil(delay(600));
    proxy.mend();
    const { arrived } = scene.stats;
    await scene.expectBalancedStats(observer, { arrived, delivered: arrived });
    expect(scene.stats.retried).toBeGreaterThan(0);
  });

  it('MongoDB hangs', async () => {
    const scene = new Scene(proxied);
    scene.emit(60);
    await scene.tracker.flush();
    proxy.stall();
    await scene.emitUntil(delay(1_200));
    proxy.mend();
    const { arrived } = scene.stats;
    await scene.expectBalancedStats(observer, { arrived, delivered: arrived });
    expect(scene.stats.retried).toBeGreaterThan(0);
  });

  it('connections are repeatedly reset in the middle of a batch', async () => {
    const scene = new Scene(proxied);
    for (let round = 0; round < 8; round++) {
      proxy.resetAfter(4_000 + 1_500 * round);
      scene.emit(200);
      await delay(60);
    }
    proxy.mend();
    await scene.expectBalancedStats(observer, { arrived: 1_600, delivered: 1_600 });
  });

  it('answers arrive after the timeout', async () => {
    const scene = new Scene(proxied);
    scene.emit(60);
    await scene.tracker.flush();
    proxy.slowDown(400); // in each direction
    scene.emit(200);
    await delay(1_500);
    proxy.mend();
    await scene.expectBalancedStats(observer, { arrived: 260, delivered: 260 });
    expect(scene.stats.retried).toBeGreaterThan(0);
  });

  it('every batch contains an event that MongoDB rejects', async () => {
    await observer.createCollection('events', {
      validator: { $jsonSchema: { properties: { name: { not: { enum: ['poison'] } } } } },
    });
    const scene = new Scene(proxied);
    for (let batch = 0; batch < 20; batch++) {
      scene.emit(25);
      scene.emit(1, 'poison');
      scene.emit(24);
    }
    await scene.expectBalancedStats(observer, { arrived: 1_000, delivered: 980, dead: 20 });
    expect(scene.dead.events.every(({ name }) => name === 'poison')).toBe(true);
  });

  it('the queue is full', async () => {
    const scene = new Scene(proxied, { capacity: 1_000 });
    scene.emit(60);
    await scene.tracker.flush();
    proxy.stall();
    scene.emit(20_000);
    expect(scene.stats).toMatchObject({ pending: 1_000, dropped: { overflow: 19_000 } });
    await delay(100);
    proxy.mend();
    await scene.expectBalancedStats(observer, { arrived: 20_060, delivered: 1_060 });
  });

  it('closing ends before all events are delivered', async () => {
    const scene = new Scene(proxied);
    scene.emit(60);
    await scene.tracker.flush();
    proxy.cut();
    scene.emit(100);
    await scene.tracker.close({ signal: AbortSignal.timeout(300) });
    await scene.expectBalancedStats(observer, { delivered: 60, dropped: { undelivered: 100 } });
  });
});

describe('Events are stored in MongoDB once and counted correctly if the server', () => {
  it('crashes and restarts', async () => {
    const server = await startMongo({ durable: true });
    const connection = await connectMongo(server.uri);
    try {
      const scene = new Scene(connection);
      await scene.emitUntil(delay(200));
      await server.kill();
      await scene.emitUntil(delay(700));
      await server.restart();
      await scene.emitUntil(delay(200));
      const { arrived } = scene.stats;
      await scene.expectBalancedStats(connection, { arrived, delivered: arrived });
      expect(scene.stats.retried).toBeGreaterThan(0);
    } finally {
      await connection.close(true);
      await server.stop();
    }
  }, 60_000);
});

describe('A process that receives SIGTERM while it emits', () => {
  it('delivers all events and reports them as delivered', async () => {
    const uri = databaseUri();
    const producer = await startProducer({ uri });
    await producer.hasEmitted(2_000);
    producer.terminate();
    const { emitted, stats } = await producer.ended();

    const connection = await connectMongo(uri);
    expect(stats).toMatchObject({
      arrived: emitted,
      delivered: emitted,
      pending: 0,
      dropped: {},
    });
    expect(await storedIn(connection)).toHaveLength(emitted);
    await dropMongo(connection);
  });

  it('counts events that it could not deliver before the shutdown timeout', async () => {
    const proxy = await startTcpProxy(Number(new URL(inject('mongoUri')).port));
    const uri = databaseUri(proxy.port);
    const producer = await startProducer({ uri, shutdownTimeout: 500 });
    await producer.hasEmitted(2_000);
    proxy.stall();
    await producer.hasEmitted(4_000);
    producer.terminate();
    const { emitted, stats, output } = await producer.ended();
    await proxy.stop();
    expect(stats.arrived).toBe(emitted);
    expect(unaccountedEvents(stats)).toBe(0);
    expect(stats).toMatchObject({ pending: 0, dropped: { undelivered: expect.any(Number) } });
    expect(output).toMatch(/could not be delivered to the backend 'mongo' before the time/);
    const direct = new URL(uri);
    direct.port = new URL(inject('mongoUri')).port;
    const connection = await connectMongo(direct.href);
    const stored = await storedIn(connection);
    // MongoDB may have stored events whose acknowledgement got lost.
    expect(stored.length).toBeGreaterThanOrEqual(stats.delivered);
    await dropMongo(connection);
  });
});
