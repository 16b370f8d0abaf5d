import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { Queue } from 'bullmq';
import {
  AsyncRoutingBackend,
  DeliveringBackend,
  LoggerBackend,
  MemoryBackend,
  NotPersistedError,
  RetryableDeliveryError,
  Tracker,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { MongoBackend } from 'nestjs-event-tracking/mongo';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { deferred } from './support/deferred.js';
import { connectMongo, databaseUri, dropMongo, storedIn } from './support/mongo.js';

const logger = { warn() {}, error() {} };
const DELIVERY = { flushInterval: 0, retry: { minDelay: 1, maxDelay: 1 } };

const trackerOf = (crm: Backend): Tracker => new Tracker({ logger, backends: { crm } });

describe('An answer of sendBatch', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['false', false],
    ['true', true],
    ['an empty list', []],
    ['too many outcomes', [{ ok: true }, { ok: true }]],
    ['an outcome that is empty', [{}]],
    ['an outcome that is null', [null]],
    ['an outcome whose ok is a string', [{ ok: 'yes' }]],
    ['an outcome whose ok is a number', [{ ok: 1 }]],
    ['the answer of a client', { status: 200 }],
  ])('that is %s does not mean that the event was taken', async (_, answer) => {
    const calls: (readonly TrackingEvent[])[] = [];
    const tracker = trackerOf(
      new DeliveringBackend(
        {
          send() {},
          async sendBatch(events) {
            calls.push(events);
            return calls.length === 1 ? (answer as never) : undefined;
          },
        },
        DELIVERY,
      ),
    );
    tracker.emit('order.paid');
    await tracker.persisted();
    expect(calls).toHaveLength(2);
    expect(tracker.stats().backends['crm']).toMatchObject({ delivered: 1, retried: 1 });
  });

  it.each<[string, 'resolve' | 'reject']>([
    ['resolves', 'resolve'],
    ['rejects', 'reject'],
  ])('that %s after its timeout counts for no other attempt', async (_, how) => {
    const answers = [deferred(), deferred()];
    let calls = 0;
    const tracker = trackerOf(
      new DeliveringBackend(
        { send() {}, sendBatch: () => answers[Math.min(calls++, 1)]!.promise },
        { ...DELIVERY, timeout: 50 },
      ),
    );
    tracker.emit('order.paid');
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(2));
    if (how === 'resolve') answers[0]!.resolve();
    else answers[0]!.reject(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(tracker.stats().backends['crm']).toMatchObject({ delivered: 0, pending: 1 });
    answers[1]!.resolve();
    await tracker.persisted();
    expect(tracker.stats().backends['crm']).toMatchObject({ delivered: 1, pending: 0 });
  });
});

describe('A value that send returns', () => {
  it.each([true, false, 0, 'id', { status: 201 }, []])(
    'is of no account, such as %j',
    async (value) => {
      let sent = 0;
      const send = (): never => {
        sent++;
        return value as never;
      };
      const tracker = new Tracker({
        logger,
        backends: {
          crm: new DeliveringBackend({ send }, DELIVERY),
          later: new DeliveringBackend({ send: async () => send() }, DELIVERY),
          plain: { send },
        },
      });
      tracker.emit('order.paid');
      await tracker.persisted();
      expect(sent).toBe(3);
      for (const path of ['crm', 'later', 'plain']) {
        expect(tracker.stats().backends[path]).toMatchObject({ delivered: 1, retried: 0 });
      }
    },
  );
});

describe('LoggerBackend', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('EPIPE');
      },
    ],
    ['rejects', () => Promise.reject(new Error('EPIPE'))],
  ])('counts an event as failed if its logger %s', async (_, log) => {
    const tracker = trackerOf(new LoggerBackend({ logger: { log } }));
    tracker.emit('order.paid');
    await expect(tracker.persisted()).rejects.toThrow(NotPersistedError);
    expect(tracker.stats().backends['crm']).toMatchObject({ dropped: { failed: 1 } });
  });
});

describe('MongoBackend', () => {
  let connection: Connection;

  afterEach(() => dropMongo(connection));

  it('waits for acknowledgements on a connection with w: 0', async () => {
    const uri = databaseUri(Number(new URL(inject('mongoUri')).port));
    connection = await connectMongo(`${uri}${uri.includes('?') ? '&' : '?'}w=0`);
    const mongo = new MongoBackend({ connection, logger });
    const tracker = trackerOf(new DeliveringBackend(mongo, DELIVERY));
    tracker.emit('order.paid');
    await tracker.persisted();
    expect(await storedIn(connection, 'events')).toHaveLength(1);
  });

  it.each([
    ['was not acknowledged', { acknowledged: false, insertedCount: 1, insertedIds: {} }],
    ['stored too few documents', { acknowledged: true, insertedCount: 0, insertedIds: {} }],
  ])('sends a batch again that %s', async (_, answer) => {
    connection = await connectMongo();
    const collection = connection.collection('events');
    const insertMany = vi.fn(async () => answer);
    vi.spyOn(connection.db!, 'collection').mockImplementation(
      () => ({ insertMany, createIndex: async () => '', writeConcern: undefined }) as never,
    );
    const mongo = new MongoBackend({ connection, logger, metadataCollection: false });
    await expect(mongo.sendBatch([sample()])).rejects.toThrow(RetryableDeliveryError);
    vi.restoreAllMocks();
    expect(await collection.countDocuments()).toBe(0);
  });
});

function sample(): TrackingEvent {
  return { id: randomUUID(), name: 'order.paid', timestamp: new Date(), context: {}, data: {} };
}

describe('BullMqEventQueue', () => {
  let queue: Queue;

  beforeEach(() => {
    const { hostname: host, port } = new URL(inject('redisUrl'));
    const connection = { host, port: Number(port), maxRetriesPerRequest: null };
    queue = new Queue(randomUUID(), { connection, prefix: '{event-tracking}' });
  });

  afterEach(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no job', []],
    ['a job without an id', [{}]],
    ['too many jobs', [{ id: '1' }, { id: '2' }]],
  ])('adds events again if BullMQ answers with %s', async (_, answer) => {
    const add = vi.spyOn(queue, 'addBulk').mockResolvedValueOnce(answer as never);
    const memory = new MemoryBackend();
    const tracker = trackerOf(
      new AsyncRoutingBackend({
        queue: new BullMqEventQueue({ queue, logger, delivery: DELIVERY }),
        backends: { memory },
      }),
    );
    tracker.emit('order.paid');
    await tracker.persisted();
    expect(add).toHaveBeenCalledTimes(2);
    await vi.waitFor(() => expect(memory.events).toHaveLength(1));
    await tracker.close();
  });
});
