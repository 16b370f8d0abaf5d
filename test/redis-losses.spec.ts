import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { Queue, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import {
  AsyncRoutingBackend,
  PermanentDeliveryError,
  Tracker,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { BullMqEventQueue, type BullMqEventQueueOptions } from 'nestjs-event-tracking/bullmq';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  startRedis,
  WRITE_BEFORE_ACKNOWLEDGING,
  type RedisServer,
} from './services/redis-server.js';
import { ROOT } from './support/root.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
const logged = (): string => [...log.warn.mock.calls, ...log.error.mock.calls].flat().join('\n');
const PREFIX = '{event-tracking}';

let redis: RedisServer;
/** Ends what a test has begun, the last first. */
let endings: (() => unknown)[];

async function server(options: readonly string[] = []): Promise<Redis> {
  redis = await startRedis(options);
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  client.on('error', () => {});
  endings.push(
    () => redis.stop(),
    () => client.disconnect(),
  );
  return client;
}

function jobs(name = 'event-tracking'): Queue {
  const connection = { host: '127.0.0.1', port: redis.port };
  const queue = new Queue(name, { connection, prefix: PREFIX });
  queue.on('error', () => {});
  endings.push(() => queue.close());
  return queue;
}

type MemberOptions = Partial<BullMqEventQueueOptions> & { isWorker?: boolean };

function member(out: Backend, { isWorker = false, ...options }: MemberOptions = {}): Tracker {
  const queue = new BullMqEventQueue({
    connection: { host: '127.0.0.1', port: redis.port, retryStrategy: () => 50 },
    logger: log,
    delivery: { flushInterval: 5, timeout: 100, retry: { minDelay: 5, maxDelay: 50 } },
    worker: { lockDuration: 1_000, stalledInterval: 250 },
    ...options,
  });
  const node = new AsyncRoutingBackend({ queue, backends: { out }, worker: isWorker });
  const tracker = new Tracker({ backends: { node }, logger: log });
  endings.push(() => tracker.close({ signal: AbortSignal.timeout(500) }));
  return tracker;
}

beforeEach(() => {
  endings = [];
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  for (const end of endings.toReversed()) await end();
});

async function addJobs(application: Tracker, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    application.emit('sold', { index });
    await application.flush();
  }
}

describe('BullMqEventQueue', () => {
  it.each([
    ['options', (port: number) => ({ host: '127.0.0.1', port, retryStrategy: () => 50 })],
    ['a client', (port: number) => new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 })],
  ])(
    'adds each event once after an outage of many attempts, with %s as connection',
    async (_, open) => {
      await server(WRITE_BEFORE_ACKNOWLEDGING);
      const connection = open(redis.port);
      if (connection instanceof Redis) {
        connection.on('error', () => {});
        endings.push(() => connection.disconnect());
      }
      const application = member(new RecordingBackend(), { connection, eventsPerJob: 10 });
      application.emit('before');
      await application.flush();
      await redis.kill();
      for (let index = 0; index < 300; index++) application.emit('during', { index });
      const stats = (): { retried: number } => application.stats().backends['node.queue']!;
      await vi.waitUntil(() => stats().retried > 3_000, { timeout: 20_000 });
      await redis.restart();
      await application.flush();
      const waiting = (await jobs().getJobs(['wait'])) as Job<{
        events: { event: TrackingEvent }[];
      }>[];
      const ids = waiting.flatMap(({ data }) => data.events.map(({ event }) => event.id));
      expect(ids).toHaveLength(301);
      expect(new Set(ids).size).toBe(301);
    },
    60_000,
  );

  it('reports jobs that were flushed from Redis', async () => {
    const client = await server();
    const application = member(new RecordingBackend());
    await addJobs(application, 10);
    await client.flushall();
    await client.call('CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal');
    await vi.waitUntil(() => /Redis has lost jobs/.test(logged()), { timeout: 10_000 });
    expect(logged()).toMatch(
      /queue 'event-tracking': it has counted 0 added jobs, but counted \d+ before\. Up to \d+ jobs/,
    );
  });

  it('reports jobs that a restart without persistence has lost', async () => {
    await server(['--appendonly', 'no']);
    const application = member(new RecordingBackend());
    await addJobs(application, 10);
    await redis.kill();
    await redis.restart();
    await vi.waitUntil(() => /it has counted 0 added jobs, but counted \d+ before/.test(logged()), {
      timeout: 10_000,
    });
  });

  it('reports no loss if jobs were delivered and removed', async () => {
    const client = await server();
    const out = new RecordingBackend();
    const application = member(out, { isWorker: true });
    for (let index = 0; index < 20; index++) {
      application.emit('sold');
      await application.flush();
      if (index % 5 === 0) await client.call('CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal');
    }
    await vi.waitUntil(() => out.events.length >= 20, { timeout: 10_000 });
    expect(logged()).not.toMatch(/has lost|evicted/);
  }, 20_000);

  it('warns of a policy with which Redis may evict jobs', async () => {
    await server(['--maxmemory-policy', 'allkeys-lru']);
    member(new RecordingBackend());
    await vi.waitUntil(() => /may evict jobs/.test(logged()), { timeout: 10_000 });
    expect(logged()).toMatch(/its maxmemory-policy is 'allkeys-lru'\. Set it to noeviction\./);
  });

  it('reports how many events a job had whose data Redis has evicted, and delivers the others', async () => {
    const client = await server();
    const application = member(new RecordingBackend(), { eventsPerJob: 5 });
    for (let index = 0; index < 10; index++) application.emit('sold', { index });
    await application.flush();
    const [evicted] = await jobs().getJobs(['wait']);
    await client.del(`${PREFIX}:event-tracking:${evicted!.id}`);
    const out = new RecordingBackend();
    member(out, { isWorker: true });
    await vi.waitUntil(() => /has lost the data of the job/.test(logged()), { timeout: 10_000 });
    expect(logged()).toMatch(/and with it 5 events\. Set maxmemory-policy to noeviction/);
    await vi.waitUntil(() => out.events.length === 5);
  });
});

describe('A worker in front of Redis that is killed', () => {
  async function killAt(moment: 'before' | 'after'): Promise<void> {
    const worker = join(ROOT, 'test/support/redis-worker.mjs');
    const child = spawn(process.execPath, [worker, String(redis.port), moment], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), exit]);
    child.kill('SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
  }

  it('leaves an event to the next worker if its dead letter was not stored yet', async () => {
    await server(WRITE_BEFORE_ACKNOWLEDGING);
    const application = member(new RecordingBackend());
    application.emit('sold');
    await application.flush();
    await killAt('before');
    expect(await jobs('event-tracking-dead-letters').getWaitingCount()).toBe(0);
    const out = new RecordingBackend();
    member(out, { isWorker: true });
    await vi.waitUntil(() => out.events.length > 0, { timeout: 20_000 });
    expect(out.events.map(({ name }) => name)).toEqual(['sold']);
  }, 60_000);

  it('leaves one dead letter, though the next worker gives the event up again', async () => {
    await server(WRITE_BEFORE_ACKNOWLEDGING);
    const application = member(new RecordingBackend());
    application.emit('sold');
    await application.flush();
    await killAt('after');
    const out: Backend = {
      send() {
        throw new PermanentDeliveryError('422');
      },
    };
    const worker = member(out, { isWorker: true });
    await vi.waitUntil(() => worker.stats().backends['node.out']!.dead === 1, { timeout: 20_000 });
    const counts = await jobs().getJobCounts();
    expect(counts['failed']).toBe(0);
    expect(await jobs('event-tracking-dead-letters').getWaitingCount()).toBe(1);
  }, 60_000);
});

/** A dump of Redis with 25 events in three jobs, one of them returned for one destination, and a metadata record. */
const FORMAT_1 = join(ROOT, 'test/fixtures/redis-queue-format-1.rdb');

describe('Jobs of an earlier release', () => {
  it('are delivered from a dump of Redis', async () => {
    const client = await server(['--appendonly', 'no']);
    const [, directory] = (await client.config('GET', 'dir')) as string[];
    await redis.kill();
    await copyFile(FORMAT_1, join(directory!, 'dump.rdb'));
    await redis.restart();
    const register = vi.fn<NonNullable<Backend['register']>>(async () => {});
    const [out, late] = [new RecordingBackend(), new RecordingBackend()];
    const queue = new BullMqEventQueue({
      connection: { host: '127.0.0.1', port: redis.port },
      logger: log,
    });
    const backends = { out: Object.assign(out, { register }), late };
    const tracker = new Tracker({
      backends: { node: new AsyncRoutingBackend({ queue, backends, worker: true }) },
      logger: log,
    });
    endings.push(() => tracker.close({ signal: AbortSignal.timeout(500) }));
    await vi.waitUntil(() => late.events.length >= 25, { timeout: 20_000 });
    await vi.waitUntil(async () => {
      const counts = await jobs().getJobCounts();
      return Object.values(counts).every((count) => count === 0);
    });
    const indexes = (events: readonly TrackingEvent[]): unknown[] =>
      events.map(({ data }) => data['index']).toSorted((a, b) => Number(a) - Number(b));
    expect(indexes(late.events)).toEqual(Array.from({ length: 25 }, (_, index) => index));
    expect(indexes(out.events)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(late.events[0]).toMatchObject({ name: 'sold', timestamp: expect.any(Date) });
    expect(register).toHaveBeenCalledOnce();
    expect(logged()).toBe('');
  }, 60_000);
});

describe('Jobs of a later release', () => {
  it('stay in the queue and are reported, while other jobs are delivered', async () => {
    await server();
    const later = { format: 2, tracker: 'default', path: 'node', batches: ['…'] };
    await jobs().add('events', later, { jobId: 'later' });
    const out = new RecordingBackend();
    const tracker = member(out, { isWorker: true });
    tracker.emit('sold');
    await vi.waitUntil(() => out.events.length === 1, { timeout: 10_000 });
    await vi.waitUntil(async () => (await jobs().getJobState('later')) === 'delayed', {
      timeout: 10_000,
    });
    expect(logged()).toMatch(/The job later has the format 2, which this version .* cannot read/);
    const job = await jobs().getJob('later');
    expect(job).toMatchObject({ data: later, attemptsMade: 0 });
  }, 20_000);
});
