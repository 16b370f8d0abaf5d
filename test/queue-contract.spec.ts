import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Queue } from 'bullmq';
import {
  MemoryEventQueue,
  type EventQueue,
  type EventQueueProducer,
  type EventQueueConsumer,
} from 'nestjs-event-tracking';
import { BullMqEventQueue, type BullMqEventQueueOptions } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue, type DiskEventQueueOptions } from 'nestjs-event-tracking/disk';
import { queueContract, type QueueContractSubject } from 'nestjs-event-tracking/testing';
import { describe, inject, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from './services/tcp-proxy.js';

/** Other specs test the reports of outages, crashes and failing consumers. */
const logger = { warn() {}, error() {} };

function onDisk(): QueueContractSubject {
  const parent = join(tmpdir(), `queue-contract-${randomUUID().slice(0, 8)}`);
  const made: string[] = [];
  const directory = async (): Promise<string> => {
    if (made.length === 0) made.push(await mkdtemp(`${parent}-`));
    return made.at(-1)!;
  };
  const create = async (options: Partial<DiskEventQueueOptions> = {}): Promise<EventQueue> =>
    new DiskEventQueue({ directory: await directory(), syncInterval: 10, logger, ...options });
  return {
    create: () => create(),
    createSmall: (capacity) => create({ delivery: { capacity, batchSize: capacity } }),
    async crash() {
      // Copies the files, as if the process died now.
      const left = await mkdtemp(`${parent}-`);
      await cp(await directory(), left, {
        recursive: true,
        filter: (path) => !basename(path).startsWith('lock-'), // the sockets of running processes
      });
      made.push(left);
    },
    async cleanUp() {
      for (const each of made.splice(0)) await rm(each, { recursive: true, force: true });
    },
    isDurable: true,
  };
}

function inRedis(): QueueContractSubject {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  let name = randomUUID();
  let proxies: TcpProxy[] = [];
  const through = async (): Promise<TcpProxy> => {
    if (proxies.length === 0) proxies.push(await startTcpProxy(Number(port)));
    return proxies.at(-1)!;
  };
  const create = async (options: Partial<BullMqEventQueueOptions> = {}): Promise<EventQueue> => {
    const proxy = await through();
    return new BullMqEventQueue({
      connection: { host, port: proxy.port, maxRetriesPerRequest: null },
      name,
      logger,
      // Other workers recover the jobs of a dead worker soon.
      worker: { lockDuration: 500, stalledInterval: 250 },
      delivery: { flushInterval: 5, retry: { maxDelay: 50 } },
      ...options,
    });
  };
  return {
    create: () => create(),
    createSmall: (capacity) =>
      create({ delivery: { capacity, batchSize: capacity, flushInterval: 5 } }),
    outage: {
      begin: async () => (await through()).cut(),
      end: async () => (await through()).mend(),
    },
    async crash() {
      (await through()).cut();
      proxies.push(await startTcpProxy(Number(port)));
    },
    async cleanUp() {
      const queue = new Queue(name, {
        connection: { host, port: Number(port) },
        prefix: '{event-tracking}',
      });
      await queue.obliterate({ force: true });
      await queue.close();
      for (const proxy of proxies) proxy.mend();
      name = randomUUID();
      proxies = [];
    },
    isShared: true,
    keepsOrder: false,
    timeout: 10_000,
  };
}

/** The custom queue from the guide. */
class ImmediateQueue implements EventQueue {
  open(consumer: EventQueueConsumer): EventQueueProducer {
    return {
      async send(event) {
        await consumer.consume([{ path: consumer.position().path, event }]);
      },
    };
  }
}

describe.each<[string, QueueContractSubject]>([
  [
    'MemoryEventQueue',
    {
      create: () => new MemoryEventQueue(),
      createSmall: (capacity) => new MemoryEventQueue({ capacity }),
    },
  ],
  ['DiskEventQueue', onDisk()],
  ['BullMqEventQueue', inRedis()],
  ['a queue with only open and send', { create: () => new ImmediateQueue() }],
])('The queue contract: %s', (_, subject) => {
  for (const { name, run } of queueContract(subject)) it(name, run);
});
