import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import {
  AsyncRoutingBackend,
  PermanentDeliveryError,
  Tracker,
  type Backend,
} from 'nestjs-event-tracking';
import { BullMqEventQueue, type BullMqEventQueueOptions } from 'nestjs-event-tracking/bullmq';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startRedis, type RedisServer } from './services/redis-server.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
const logged = (): string => [...log.warn.mock.calls, ...log.error.mock.calls].flat().join('\n');

/** Ends what a test has begun, the last first. */
let endings: (() => unknown)[];

beforeEach(() => {
  endings = [];
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  for (const end of endings.toReversed()) await end();
});

async function server(...options: string[]): Promise<RedisServer> {
  const redis = await startRedis(options);
  endings.push(() => redis.stop());
  return redis;
}

/** A connection that changes the server. */
function control({ port }: RedisServer): Redis {
  const client = new Redis({ host: '127.0.0.1', port });
  client.on('error', () => {});
  endings.push(() => client.disconnect());
  return client;
}

type MemberOptions = Partial<BullMqEventQueueOptions> & { out?: Backend; isWorker?: boolean };

function member(
  { port }: RedisServer,
  { out = new RecordingBackend(), isWorker = false, connection, ...options }: MemberOptions = {},
): Tracker {
  const queue = new BullMqEventQueue({
    connection: { host: '127.0.0.1', port, retryStrategy: () => 50, ...connection },
    logger: log,
    delivery: { flushInterval: 5, retry: { minDelay: 5, maxDelay: 100 } },
    worker: { lockDuration: 1_000, stalledInterval: 250 },
    ...options,
  });
  const node = new AsyncRoutingBackend({ queue, backends: { out }, worker: isWorker });
  const tracker = new Tracker({ backends: { node }, logger: log });
  endings.push(() => tracker.close({ signal: AbortSignal.timeout(500) }));
  return tracker;
}

/** Redis refuses commands for one reason, until it is repaired. */
interface Refusal {
  reason: string;
  message: RegExp;
  options?: string[];
  connection?: { password: string };
  begin(client: Redis): Promise<unknown>;
  repair(client: Redis): Promise<unknown>;
}

const REFUSALS: Refusal[] = [
  {
    reason: 'it is out of memory',
    message: /Redis is out of memory and accepts no jobs\. Raise its maxmemory/,
    begin: (client) => client.config('SET', 'maxmemory', '1'),
    repair: (client) => client.config('SET', 'maxmemory', '0'),
  },
  {
    reason: 'it is a read-only replica',
    message: /Redis is a read-only replica\. Connect to the primary/,
    begin: (client) => client.call('REPLICAOF', '127.0.0.1', '1'),
    repair: (client) => client.call('REPLICAOF', 'NO', 'ONE'),
  },
  {
    reason: 'it requires a password',
    message: /Redis requires a password\. Set connection\.password/,
    begin: (client) => client.config('SET', 'requirepass', 'secret'),
    repair: (client) => client.config('SET', 'requirepass', ''),
  },
  {
    reason: 'the password is wrong',
    message:
      /^(?!.*guess).*Redis rejected the user name or password\. Check connection\.username/ms,
    connection: { password: 'guess' },
    begin: (client) => client.config('SET', 'requirepass', 'secret'),
    repair: (client) => client.config('SET', 'requirepass', 'guess'),
  },
  {
    reason: 'its user lacks a permission',
    message: /The user of Redis lacks a permission\. Grant all commands/,
    begin: (client) => client.call('ACL', 'SETUSER', 'default', '-@scripting'),
    repair: (client) => client.call('ACL', 'SETUSER', 'default', '+@all'),
  },
  {
    reason: 'it has too few replicas',
    message: /Redis has too few replicas to accept writes\. Restore the replicas/,
    begin: (client) => client.config('SET', 'min-replicas-to-write', '1'),
    repair: (client) => client.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    reason: 'it cannot save its data',
    message: /Redis cannot save its data to disk and accepts no writes\. Free disk space/,
    async begin(client) {
      const [, directory] = (await client.config('GET', 'dir')) as string[];
      await mkdir(join(directory!, 'dump.rdb'));
      await client.config('SET', 'save', '3600 1');
      await client.call('BGSAVE');
      await vi.waitUntil(async () => /rdb_last_bgsave_status:err/.test(await client.info()));
    },
    repair: (client) => client.config('SET', 'save', ''),
  },
  {
    reason: 'slots of the cluster have no primary',
    message: /The Redis Cluster is down, because some of its slots have no primary/,
    options: ['--cluster-enabled', 'yes'],
    begin: async () => {},
    repair: (client) => client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'),
  },
];

describe('BullMqEventQueue', () => {
  for (const { reason, message, options = [], connection, begin, repair } of REFUSALS) {
    it(`names the reason if Redis refuses commands because ${reason}, and delivers afterwards`, async () => {
      const redis = await server(...options);
      const client = control(redis);
      await client.ping();
      await begin(client);
      const out = new RecordingBackend();
      const application = member(redis, { connection });
      member(redis, { connection, isWorker: true, out });
      application.emit('sold');
      await vi.waitUntil(() => message.test(logged()), { timeout: 10_000 });
      expect(application.stats().backends['node.queue']).toMatchObject({ dropped: {}, pending: 1 });
      await repair(client);
      await vi.waitUntil(() => out.events.length > 0, { timeout: 20_000 });
      expect(out.events.map(({ name }) => name)).toEqual(['sold']);
    }, 60_000);
  }

  it('waits for a Redis that loads its data', async () => {
    const slow = ['--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024'];
    const redis = await server('--appendonly', 'no', ...slow);
    const client = control(redis);
    for (let index = 0; index < 200; index++) await client.set(`key-${index}`, 'x'.repeat(1_000));
    await client.call('SAVE');
    await redis.kill();
    await redis.restart();
    const application = member(redis, { delivery: { timeout: 1_000, flushInterval: 5 } });
    application.emit('sold');
    await application.flush();
    expect(application.stats().backends['node.queue']).toMatchObject({ delivered: 1, dropped: {} });
  }, 60_000);

  it('repeats a refused command of a worker no more than once a second', async () => {
    const redis = await server();
    const client = control(redis);
    const tracker = member(redis, { isWorker: true });
    tracker.emit('sold');
    await tracker.flush();
    await client.call('ACL', 'SETUSER', 'default', '-evalsha', '-eval');
    await client.config('RESETSTAT');
    await vi.waitUntil(() => /lacks a permission/.test(logged()), { timeout: 20_000 });
    await vi.waitUntil(async () => (await refusals(client)) >= 3, { timeout: 20_000 });
    const [first, before] = [await refusals(client), performance.now()];
    await vi.waitUntil(async () => (await refusals(client)) >= first + 3, { timeout: 20_000 });
    expect(performance.now() - before).toBeGreaterThan(500);
  }, 60_000);
});

/** How many calls of scripts Redis has refused. */
async function refusals(client: Redis): Promise<number> {
  const stats = await client.info('commandstats');
  const counts = stats.matchAll(/cmdstat_eval(?:sha)?:.*rejected_calls=(\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('A Redis that is full of jobs', () => {
  /** Fills Redis until it accepts no further job; returns how many events were emitted. */
  async function fill(application: Tracker, client: Redis): Promise<number> {
    const used = /used_memory:(\d+)/.exec(await client.info('memory'))![1]!;
    // More than the two batches that are under way, whose bytes Redis counts too.
    await client.config('SET', 'maxmemory', String(Number(used) + 6_000_000));
    for (let index = 0; index < 10_000; index++) {
      application.emit('sold', { index, text: 'x'.repeat(1_000) });
    }
    await vi.waitUntil(() => /out of memory/.test(logged()), { timeout: 20_000 });
    return 10_000;
  }

  it('is emptied by workers, whose space further events then take', async () => {
    const redis = await server();
    const application = member(redis);
    const count = await fill(application, control(redis));
    const out = new RecordingBackend();
    member(redis, { isWorker: true, out });
    await application.flush();
    await vi.waitUntil(() => out.events.length >= count, { timeout: 30_000 });
    expect(new Set(out.events.map(({ data }) => data['index'])).size).toBe(count);
    expect(application.stats().backends['node.queue']).toMatchObject({
      delivered: count,
      dropped: {},
    });
  }, 90_000);

  it('stores the dead letters of its jobs, so that the jobs can end', async () => {
    const redis = await server();
    const application = member(redis);
    const count = await fill(application, control(redis));
    const out: Backend = {
      send() {
        throw new PermanentDeliveryError('422');
      },
    };
    const worker = member(redis, { isWorker: true, out });
    const dead = (): number => worker.stats().backends['node.out']!.dead;
    await vi.waitUntil(() => dead() > 1_000, { timeout: 30_000 });
    await control(redis).config('SET', 'maxmemory', '0');
    await application.flush();
    await vi.waitUntil(() => dead() === count, { timeout: 30_000 });
  }, 90_000);

  it('delivers everything that it acknowledged once an operator has made room', async () => {
    const redis = await server();
    const client = control(redis);
    const out = new RecordingBackend();
    const application = member(redis);
    const count = await fill(application, client);
    const jobs = new Queue('event-tracking', {
      connection: { host: '127.0.0.1', port: redis.port },
      prefix: '{event-tracking}',
    });
    endings.push(() => jobs.close());
    expect(await jobs.getWaitingCount()).toBeGreaterThan(0);
    await client.config('SET', 'maxmemory', '0');
    member(redis, { isWorker: true, out });
    await application.flush();
    await vi.waitUntil(() => out.events.length >= count, { timeout: 30_000 });
    expect(new Set(out.events.map(({ data }) => data['index'])).size).toBe(count);
  }, 90_000);
});
