import { randomUUID } from 'node:crypto';
import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Queue } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import {
  AsyncRoutingBackend,
  createEventTrackingWorker,
  DeliveringBackend,
  EventTrackingModule,
  ImproperlyConfigured,
  PermanentDeliveryError,
  RoutingBackend,
  Tracker,
  type Backend,
  type DeadLetter,
  type MetadataRecord,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import {
  BullMqEventQueue,
  bullMqQueue,
  type BullMqEventQueueOptions,
} from 'nestjs-event-tracking/bullmq';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { freePort } from './services/free-port.js';
import { startRedis, WRITE_BEFORE_ACKNOWLEDGING } from './services/redis-server.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
const { hostname: host, port } = new URL(inject('redisUrl'));
const connection = { host, port: Number(port), maxRetriesPerRequest: null };

let name: string;
let looking: Queue;
let trackers: Tracker[];

beforeEach(() => {
  name = `test-${randomUUID().slice(0, 8)}`;
  looking = new Queue(name, { connection, prefix: '{event-tracking}' });
  trackers = [];
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  for (const tracker of trackers) await tracker.close({ signal: AbortSignal.timeout(2_000) });
  await looking.obliterate({ force: true });
  await looking.close();
});

/** Options of the worker imply a worker. */
type MemberOptions = Partial<Omit<BullMqEventQueueOptions, 'worker'>> & {
  worker?: boolean | NonNullable<BullMqEventQueueOptions['worker']>;
};

/** Creates a process of a fleet: a tracker whose node sends events to Redis. */
function member(
  backends: Record<string, Backend>,
  { worker = false, ...options }: MemberOptions = {},
): Tracker {
  const queue = new BullMqEventQueue({
    connection,
    name,
    logger: log,
    delivery: { flushInterval: 5 },
    ...(typeof worker === 'object' && { worker }),
    ...options,
  });
  const tracker = new Tracker({
    backends: { node: new AsyncRoutingBackend({ queue, backends, worker: worker !== false }) },
    logger: log,
  });
  trackers.push(tracker);
  return tracker;
}

/** A destination that can be awaited until it has received a number of events. */
class Destination implements Backend {
  readonly taken: TrackingEvent[] = [];

  async send(event: TrackingEvent): Promise<void> {
    this.taken.push(event);
  }

  async has(count: number): Promise<void> {
    await vi.waitUntil(() => this.taken.length >= count, { timeout: 10_000 });
  }
}

const letterOf = (path: string): DeadLetter => ({
  id: randomUUID(),
  name: 'sold',
  timestamp: new Date(),
  context: {},
  data: {},
  dead_letter: {
    tracker: 'default',
    path,
    reason: 'rejected',
    error: '422',
    attempts: 1,
    time: new Date(),
  },
});

describe('BullMqEventQueue', () => {
  it('delivers events to a worker unchanged, including context and dates', async () => {
    const destination = new Destination();
    const application = member({ destination: new Destination() });
    member({ destination }, { worker: true });
    application.context({ user_id: 7 }, () =>
      application.emit('sold', { at: new Date(5), 'a.b': { $date: 'no date' } }),
    );
    await destination.has(1);
    expect(destination.taken[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'sold',
      timestamp: expect.any(Date),
      context: { user_id: 7 },
      data: { at: new Date(5), 'a.b': { $date: 'no date' } },
    });
    expect(application.stats().backends).toMatchObject({
      'node.queue': { arrived: 1, delivered: 1, pending: 0 },
      'node.destination': { arrived: 0 },
    });
  });

  it('keeps events in Redis while there is no worker', async () => {
    const destination = new Destination();
    const application = member({ destination });
    application.emit('sold');
    await application.flush();
    expect(await looking.getJobCounts('wait')).toEqual({ wait: 1 });
    expect(destination.taken).toEqual([]);
  });

  it('groups events into jobs, and removes completed jobs', async () => {
    const application = member({ destination: new Destination() }, { eventsPerJob: 100 });
    for (let index = 0; index < 250; index++) application.emit(`e${index}`);
    await application.flush();
    expect(await looking.getJobCounts('wait')).toEqual({ wait: 3 });

    const destination = new Destination();
    member({ destination }, { worker: true });
    await destination.has(250);
    expect(new Set(destination.taken.map(({ id }) => id)).size).toBe(250);
    await vi.waitUntil(async () => {
      const counts = await looking.getJobCounts();
      return Object.values(counts).every((count) => count === 0);
    });
  });

  it('limits the size of jobs to bytesPerJob', async () => {
    const application = member({ destination: new Destination() }, { bytesPerJob: 10_000 });
    for (let index = 0; index < 10; index++) application.emit('sold', { text: 'ü'.repeat(2_000) });
    await application.flush();
    expect(await looking.getJobCounts('wait')).toEqual({ wait: 5 });
  });

  it('gives up an event that is too large for a job, and delivers the others', async () => {
    const options = { job: { sizeLimit: 10_000 } };
    const application = member({ destination: new Destination() }, options);
    application.emit('sold');
    application.emit('large', { text: 'x'.repeat(20_000) });
    application.emit('sold');
    await application.flush();
    expect(application.stats().backends['node.queue']).toMatchObject({ delivered: 2, pending: 0 });
  });

  it('waits for an unanswered batch instead of adding it again', async () => {
    class Slow extends Queue {
      override async addBulk(...args: Parameters<Queue['addBulk']>): ReturnType<Queue['addBulk']> {
        calls++;
        await answered;
        return super.addBulk(...args);
      }
    }
    let calls = 0;
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const theirs = new Slow(name, { connection, prefix: '{event-tracking}' });
    const delivery = { flushInterval: 5, timeout: 20, retry: { minDelay: 1, maxDelay: 5 } };
    const lent = { queue: theirs, connection: undefined, name: undefined, delivery };
    const application = member({ destination: new Destination() }, lent);
    application.emit('sold');
    await vi.waitUntil(() => application.stats().backends['node.queue']!.retried > 2);
    answer();
    await application.flush();
    expect(calls).toBe(1);
    await theirs.close();
  });

  it('accepts events with custom ids', async () => {
    const destination = new Destination();
    const tracker = member({ destination }, { worker: true });
    tracker.registerProcessor((event) => void (event.id = 'order:17'));
    tracker.emit('sold');
    await destination.has(1);
    expect(destination.taken[0]!.id).toBe('order:17');
  });

  it('accepts an event that is sent twice, and the other events of its batch', async () => {
    const application = member({ destination: new Destination() });
    application.registerProcessor((event) => void (event.id = event.name));
    for (const names of [
      ['a', 'b'],
      ['a', 'c'],
    ]) {
      for (const each of names) application.emit(each);
      await application.flush();
    }
    const destination = new Destination();
    member({ destination }, { worker: true });
    await vi.waitUntil(() => destination.taken.some((event) => event.name === 'c'));
    expect(new Set(destination.taken.map((event) => event.name))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('adds no second job when it retries after a lost answer of Redis', async () => {
    class Unheard extends Queue {
      override async addBulk(...args: Parameters<Queue['addBulk']>): ReturnType<Queue['addBulk']> {
        const added = await super.addBulk(...args);
        if (calls++ === 0) throw new Error('Connection is closed.');
        return added;
      }
    }
    let calls = 0;
    const theirs = new Unheard(name, { connection, prefix: '{event-tracking}' });
    const delivery = { flushInterval: 5, retry: { minDelay: 1, maxDelay: 20 } };
    const lent = {
      queue: theirs,
      connection: undefined,
      name: undefined,
      delivery,
      eventsPerJob: 2,
    };
    const application = member({ destination: new Destination() }, lent);
    for (const each of ['a', 'b', 'c']) application.emit(each);
    await application.flush();
    expect(calls).toBe(2);
    expect(await theirs.getJobCounts('wait')).toEqual({ wait: 2 });
    await theirs.close();
  });

  it('loses no event when Redis accepts only half of a command', async () => {
    const client = new Redis(connection);
    const key = `{event-tracking}:${name}:wait`;
    await client.set(key, 'in the way');
    const delivery = { flushInterval: 5, retry: { minDelay: 1, maxDelay: 20 } };
    const application = member({ destination: new Destination() }, { delivery });
    application.emit('sold');
    await vi.waitUntil(() => application.stats().backends['node.queue']!.retried > 0);
    await client.del(key);
    client.disconnect();
    await application.flush();
    const destination = new Destination();
    member({ destination }, { worker: true });
    await destination.has(1);
  });

  it('delivers the valid events of a job, and keeps an invalid one in Redis', async () => {
    const application = member({ destination: new Destination() });
    application.registerProcessor((event) => {
      if (event.name === 'broken') event.timestamp = 'today' as unknown as Date;
    });
    for (const each of ['a', 'broken', 'b']) application.emit(each);
    await application.flush();
    await application.close();

    const destination = new Destination();
    const tracker = member({ destination }, { worker: true });
    await destination.has(2);
    expect(destination.taken.map((event) => event.name)).toEqual(['a', 'b']);
    await vi.waitUntil(() => log.error.mock.calls.length > 0);
    expect(log.error.mock.calls[0]![0]).toMatch(/The job .* failed: .*the value is not an event/);
    await tracker.close();
    const [job] = await looking.getJobs();
    expect((job!.data as { events: { event: unknown }[] }).events).toEqual([
      { event: expect.objectContaining({ name: 'broken' }) },
    ]);
    expect(destination.taken).toHaveLength(2);
  });

  it('retries the failed job of a metadata record that is registered again', async () => {
    const job = { attempts: 1 };
    const refusing = { send() {}, register: () => Promise.reject(new Error('no table')) };
    const refused = member({ refusing }, { worker: true, job });
    refused.register('sold', 'Something is sold.', {});
    await vi.waitUntil(async () => (await looking.getFailedCount()) === 1);
    await refused.close();

    const register = vi.fn<(record: MetadataRecord) => Promise<void>>(async () => {});
    const taking = { send() {}, register };
    member({ refusing: taking }, { worker: true, job }).register('sold', 'Something is sold.', {});
    await vi.waitUntil(() => register.mock.calls.length === 1);
    await vi.waitUntil(async () => (await looking.getFailedCount()) === 0);
  });

  it('filters events before the queue, and runs the processors of children in the worker', async () => {
    const destination = new Destination();
    const child = (): RoutingBackend =>
      new RoutingBackend({
        processors: [async (event) => void (event.data['seen'] = true)],
        backends: { destination },
      });
    const application = member({ child: child() });
    (application.getBackend('node') as RoutingBackend).registerProcessor({
      filter: (event) => event.name === 'sold',
    });
    member({ child: child() }, { worker: true });
    application.emit('noise');
    application.emit('sold');
    await destination.has(1);
    expect(destination.taken).toMatchObject([{ name: 'sold', data: { seen: true } }]);
    expect(application.stats().backends['node']).toMatchObject({ filtered: 1, delivered: 1 });
  });

  it('distributes events among workers, each event to one of them', async () => {
    const [one, other] = [new Destination(), new Destination()];
    const application = member({ destination: new Destination() }, { eventsPerJob: 5 });
    member({ destination: one }, { worker: true });
    member({ destination: other }, { worker: true });
    for (let index = 0; index < 500; index++) application.emit(`e${index}`);
    await application.flush();
    await vi.waitUntil(() => one.taken.length + other.taken.length >= 500, { timeout: 10_000 });
    const ids = [...one.taken, ...other.taken].map(({ id }) => id);
    expect(new Set(ids).size).toBe(500);
    expect(ids).toHaveLength(500);
  });

  it('returns undelivered events of a stopped worker for the destinations that missed them', async () => {
    const good = new Destination();
    const stuck: Backend = { send: () => new Promise<void>(() => {}) };
    const application = member({ good, stuck });
    const stopped = member({ good, stuck }, { worker: true });
    application.emit('sold');
    await good.has(1);
    await stopped.close({ signal: AbortSignal.timeout(100) });
    expect(stopped.stats().backends).toMatchObject({
      'node.good': { arrived: 1, delivered: 1 },
      'node.stuck': { arrived: 0, dropped: {}, pending: 0 }, // returned to the queue
    });

    const [goodAgain, mended] = [new Destination(), new Destination()];
    member({ good: goodAgain, stuck: mended }, { worker: true });
    await mended.has(1);
    expect(mended.taken.map((event) => event.name)).toEqual(['sold']);
    expect(goodAgain.taken).toEqual([]);
  });

  it('retries in the worker, and only for the destination that failed', async () => {
    const good = new Destination();
    const sent: string[] = [];
    let failures = 2;
    const flaky = new DeliveringBackend(
      {
        async send({ name: event }) {
          sent.push(event);
          if (failures-- > 0) throw new Error('busy');
        },
      },
      { retry: { minDelay: 1 } },
    );
    const worker = member({ good, flaky }, { worker: true });
    worker.emit('sold');
    await vi.waitUntil(() => sent.length === 3, { timeout: 10_000 });
    expect(good.taken).toHaveLength(1);
  });

  it('keeps a job for a node that the worker does not have, and logs an error', async () => {
    const application = member({ destination: new Destination() }, { job: { attempts: 1 } });
    const queue = new BullMqEventQueue({ connection, name, logger: log });
    const worker = new Tracker({
      backends: {
        other: new AsyncRoutingBackend({ queue, backends: { destination: new Destination() } }),
      },
      logger: log,
    });
    trackers.push(worker);
    application.emit('sold');
    await vi.waitUntil(async () => (await looking.getJobCounts('failed'))['failed'] === 1, {
      timeout: 10_000,
    });
    expect(log.error).toHaveBeenCalledWith(
      expect.stringMatching(/has no node 'node' with a queue, of a tracker 'default'/),
    );
  });

  it('keeps events for a destination that the worker does not have, with bounded retries', async () => {
    const stuck: Backend = { send: () => new Promise<void>(() => {}) };
    const good = new Destination();
    const application = member({ good, stuck }, { job: { attempts: 1 } });
    const stopped = member({ good, stuck }, { worker: true });
    application.emit('sold');
    await good.has(1);
    await stopped.close({ signal: AbortSignal.timeout(100) });

    const without = member({ good: new Destination() }, { worker: true });
    await vi.waitUntil(async () => (await looking.getJobCounts('failed'))['failed'] === 1, {
      timeout: 10_000,
    });
    expect(log.error).toHaveBeenCalledWith(
      expect.stringMatching(/could not deliver to 'node\.stuck': .* or closed/),
    );
    await without.close();

    await looking.retryJobs();
    const [goodAgain, mended] = [new Destination(), new Destination()];
    member({ good: goodAgain, stuck: mended }, { worker: true });
    await mended.has(1);
    expect(goodAgain.taken).toEqual([]);
  });

  it('receives undelivered events back when the application closes', async () => {
    const [good, stuck] = [
      new Destination(),
      { send: () => new Promise<void>(() => {}) } satisfies Backend,
    ];

    @Module({
      imports: [
        EventTrackingModule.forRoot({
          worker: true,
          shutdownTimeout: 200,
          backends: {
            node: { queue: bullMqQueue({ connection, name }), backends: { good, stuck } },
          },
        }),
      ],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    app.get(Tracker).emit('sold');
    await good.has(1);
    await app.close();
    const { active, ...elsewhere } = await looking.getJobCounts('active', 'wait', 'delayed');
    expect(active).toBe(0);
    expect(Object.values(elsewhere).reduce((sum, count) => sum + count, 0)).toBe(1);
    const [job] = await looking.getJobs(['wait', 'delayed']);
    expect(job!.data.events).toMatchObject([{ at: 'node.stuck' }]);
  });

  it('separates the dead letters of backends with similar names', async () => {
    const letters = new BullMqEventQueue({ connection, name }).deadLetters;
    const one = letterOf('node.a:b');
    await letters.sendBatch([one, { ...letterOf('node.a_b'), id: one.id }]);
    const paths: string[] = [];
    for await (const each of letters.read()) paths.push(each.dead_letter.path);
    expect(paths.toSorted()).toEqual(['node.a:b', 'node.a_b']);
    for await (const each of letters.read()) await letters.remove([each]);
  });

  it('closes its connection if dead letters cannot be stored before the deadline', async () => {
    const nobody = { ...connection, port: await freePort() };
    const letters = new BullMqEventQueue({ connection: nobody, name }).deadLetters;
    const late = new AbortController();
    const sent = letters.sendBatch([letterOf('node')], { signal: late.signal });
    const rejected = expect(sent).rejects.toThrow();
    late.abort();
    await rejected;
  });

  it('passes priorities and rate limits to BullMQ', async () => {
    const queue = new BullMqEventQueue({
      connection,
      name,
      logger: log,
      job: { priority: 7 },
      eventsPerJob: 1,
      delivery: { flushInterval: 5 },
      worker: { limiter: { max: 1, duration: 100 } },
    });
    const times: number[] = [];
    const destination: Backend = { send: () => void times.push(performance.now()) };
    const application = member({ destination }, { job: { priority: 7 }, eventsPerJob: 1 });
    for (let index = 0; index < 3; index++) application.emit(`e${index}`);
    await application.flush();
    const jobs = await looking.getJobs('prioritized');
    expect(jobs.map(({ opts }) => opts.priority)).toEqual([7, 7, 7]);

    trackers.push(
      new Tracker({
        backends: { node: new AsyncRoutingBackend({ queue, backends: { destination } }) },
      }),
    );
    await vi.waitUntil(() => times.length === 3, { timeout: 10_000 });
    expect(times[2]! - times[0]!).toBeGreaterThan(150);
  });

  it('is consumed by createEventTrackingWorker, but not by the application', async () => {
    const taken: string[] = [];
    let process = 'application';

    @Injectable()
    class Noting implements Backend {
      readonly #by = process;

      send(event: TrackingEvent): void {
        taken.push(`${event.name} by ${this.#by}`);
      }
    }

    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: {
            node: { queue: bullMqQueue({ connection, name }), backends: { noting: Noting } },
          },
        }),
      ],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    process = 'worker';
    const worker = await createEventTrackingWorker(AppModule, { logger: false });
    app.get(Tracker).emit('sold');
    await vi.waitUntil(() => taken.length > 0, { timeout: 10_000 });
    await Promise.all([app.close(), worker.close()]);
    expect(taken).toEqual(['sold by worker']);
  });

  it('keeps all its keys in one slot of a Redis Cluster, including dead letters', async () => {
    const redis = await startRedis(
      '--cluster-enabled yes --cluster-announce-ip 127.0.0.1'.split(' '),
    );
    const node = new Redis({ host: '127.0.0.1', port: redis.port });
    const cluster = new Cluster([{ host: '127.0.0.1', port: redis.port }]);
    try {
      await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await vi.waitUntil(
        async () => /cluster_state:ok/.test(String(await node.call('CLUSTER', 'INFO'))),
        {
          timeout: 10_000,
        },
      );
      const destination = new Destination();
      const refusing: Backend = {
        send() {
          throw new PermanentDeliveryError('422');
        },
      };
      const tracker = member({ destination, refusing }, { connection: cluster, worker: true });
      for (let index = 0; index < 10; index++) tracker.emit(`e${index}`);
      await tracker.flush();
      await destination.has(10);
      await vi.waitUntil(
        () => tracker.stats().backends['node.refusing.deadLetter']?.delivered === 10,
        { timeout: 10_000 },
      );
      await tracker.close({ signal: AbortSignal.timeout(5_000) });
      const keys = await node.keys('*');
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.every((key) => key.startsWith('{event-tracking}:'))).toBe(true);
    } finally {
      cluster.disconnect();
      node.disconnect();
      await redis.stop();
    }
  });

  it('uses a queue of the application without closing it', async () => {
    const theirs = new Queue(name, { connection });
    const lent = { queue: theirs, connection: undefined, name: undefined };
    const application = member({ destination: new Destination() }, lent);
    application.emit('sold');
    await application.close();
    expect(await theirs.getJobCounts('wait')).toEqual({ wait: 1 });

    const destination = new Destination();
    member({ destination }, { ...lent, worker: true });
    await destination.has(1);
    await theirs.obliterate({ force: true });
    await theirs.close();
  });

  it('shares a queue with the BullModule of the application', async () => {
    const destination = new Destination();

    @Module({
      imports: [
        BullModule.forRoot({ connection }),
        EventTrackingModule.forRoot({
          worker: true,
          imports: [BullModule.registerQueue({ name })],
          backends: {
            node: {
              queue: bullMqQueue({
                inject: [getQueueToken(name)],
                useFactory: (queue: Queue) => ({ queue }),
              }),
              backends: { destination },
            },
          },
        }),
      ],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    app.get(Tracker).emit('sold');
    await destination.has(1);
    await app.close();
    expect(destination.taken.map((event) => event.name)).toEqual(['sold']);
  });

  it('keeps events in memory while Redis is down, and loses none when Redis restarts', async () => {
    const redis = await startRedis(WRITE_BEFORE_ACKNOWLEDGING);
    const theirs = { ...connection, port: redis.port };
    try {
      const destination = new Destination();
      const application = member({ destination: new Destination() }, { connection: theirs });
      // A job that was active when Redis died becomes available once its lock has expired.
      const soon = { lockDuration: 1_000, stalledInterval: 250 };
      const worker = member({ destination }, { connection: theirs, worker: soon });
      for (let index = 0; index < 300; index++) application.emit(`before-${index}`);
      await application.flush();
      await redis.kill();
      for (let index = 0; index < 300; index++) application.emit(`during-${index}`);
      await redis.restart();
      for (let index = 0; index < 300; index++) application.emit(`after-${index}`);
      await vi.waitUntil(() => new Set(destination.taken.map(({ id }) => id)).size === 900, {
        timeout: 30_000,
      });
      await application.close({ signal: AbortSignal.timeout(5_000) });
      await worker.close({ signal: AbortSignal.timeout(5_000) });
    } finally {
      await redis.stop();
    }
  }, 60_000);

  it.each([
    [
      { connection: 'redis://localhost' },
      /connection must be an object; received a value of type string\. /,
    ],
    [{ connection, eventsPerJob: 0 }, /eventsPerJob must be a positive integer; received/],
    [{ connection, name: 'a:b' }, /name must be a non-empty string without colons/],
    [{ connection: { ...connection, keyPrefix: 'shop:' } }, /connection\.keyPrefix must be empty/],
    [
      { connection: { url: 'redis://u:secret@localhost/?keyPrefix=shop' } },
      /^(?!.*secret).*connection\.keyPrefix must be empty/,
    ],
  ])('rejects %j', (options, message) => {
    expect(() => new BullMqEventQueue(options as BullMqEventQueueOptions)).toThrow(message);
  });

  it('rejects a client with a key prefix', () => {
    const client = new Redis({ ...connection, keyPrefix: 'shop:', lazyConnect: true });
    expect(() => new BullMqEventQueue({ connection: client })).toThrow(ImproperlyConfigured);
  });

  it('delivers with a client of the application whose options suit no worker, and leaves it open', async () => {
    const client = new Redis({ host, port: Number(port) }); // gives up commands after 20 retries
    const destination = new Destination();
    const tracker = member({ destination }, { connection: client, worker: true });
    tracker.emit('sold');
    await destination.has(1);
    await tracker.close({ signal: AbortSignal.timeout(2_000) });
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});
