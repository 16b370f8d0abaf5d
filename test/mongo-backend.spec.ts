import type { Connection } from 'mongoose';
import {
  DeliveringBackend,
  isDeadLetter,
  MemoryBackend,
  Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { MongoBackend, type MongoBackendOptions } from 'nestjs-event-tracking/mongo';
import { backendContract } from 'nestjs-event-tracking/testing';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  vi,
} from 'vitest';
import { startTcpProxy, type TcpProxy } from './services/tcp-proxy.js';
import { connectMongo, databaseUri, dropMongo, storedIn } from './support/mongo.js';

let connection: Connection;

beforeEach(async () => {
  connection = await connectMongo();
});

afterEach(() => dropMongo(connection));

let serial = 0;

function event(name: string, data: Record<string, unknown> = {}): TrackingEvent {
  const id = `01a20cbb-e184-7580-b6a8-${String(++serial).padStart(12, '0')}`;
  return { id, name, timestamp: new Date('2026-05-06T07:08:09.123Z'), context: {}, data };
}

function backend(options: Partial<MongoBackendOptions> = {}): MongoBackend {
  return new MongoBackend({ connection, ...options });
}

/** A tracker whose events reach MongoDB as in an application, with the dead letters beside. */
function tracked(options: Partial<MongoBackendOptions> = {}) {
  const dead = new MemoryBackend();
  const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
  const mongo = new DeliveringBackend(backend({ logger: log, ...options }), { deadLetter: dead });
  const tracker = new Tracker({ backends: { mongo }, logger: log });
  return { tracker, dead, log, account: () => tracker.account().backends['mongo']! };
}

describe('MongoBackend keeps the contract of backends', () => {
  let proxy: TcpProxy;
  let proxied: Connection;
  let behind: Connection;

  beforeAll(async () => {
    proxy = await startTcpProxy(Number(new URL(inject('mongoUri')).port));
    const uri = databaseUri(proxy.port);
    proxied = await connectMongo(uri, { maxPoolSize: 1 });
    behind = await connectMongo(
      uri.replace(`:${proxy.port}`, `:${new URL(inject('mongoUri')).port}`),
    );
  });

  afterAll(async () => {
    await proxied.close();
    await dropMongo(behind);
    await proxy.stop();
  });

  const outage = {
    begin: async () => proxy.cut(),
    // The driver notices only when it writes that an idle connection is gone.
    async end() {
      proxy.mend();
      const ping = () => proxied.db!.command({ ping: 1 });
      await vi.waitUntil(() => ping().then(Boolean, () => false), { timeout: 10_000 });
    },
  };
  const subject = { stored: () => storedIn(behind), outage, timeout: 15_000 };
  const kinds = {
    directly: () => new MongoBackend({ connection: proxied }),
    'with delivery': () =>
      new DeliveringBackend(new MongoBackend({ connection: proxied }), {
        flushInterval: 5,
        retry: { minDelay: 5, maxDelay: 20 },
      }),
  };
  for (const [kind, create] of Object.entries(kinds)) {
    describe(kind, () => {
      for (const { name, run } of backendContract({ ...subject, create })) {
        it(name, run, 30_000);
      }
    });
  }
});

describe('MongoBackend: documents', () => {
  it('stores an event with its id as _id, and not twice', async () => {
    const { tracker } = tracked();
    tracker.context({ user_id: 7 }, () => tracker.emit('course.enrolled', { course_id: 'DemoX' }));
    await tracker.flush();
    const [document] = await connection.collection('events').find().toArray();
    expect(document).toEqual({
      _id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'course.enrolled',
      timestamp: expect.any(Date),
      context: { user_id: 7 },
      data: { course_id: 'DemoX' },
    });
  });

  it('takes an event that is stored already for a success', async () => {
    const mongo = backend();
    const [one, other, third] = [event('a'), event('b'), event('c')];
    await mongo.sendBatch([one, other]);
    const outcomes = await mongo.sendBatch([other, third, one]);
    expect(outcomes).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect((await storedIn(connection)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('takes a duplicate in another unique index for what it is: an event that never fits', async () => {
    const mongo = backend({ indexes: [{ key: { 'data.order': 1 }, options: { unique: true } }] });
    await mongo.sendBatch([event('a', { order: 1 })]);
    await vi.waitUntil(async () => (await connection.collection('events').indexes()).length === 4);
    const outcomes = await mongo.sendBatch([event('b', { order: 1 }), event('c', { order: 2 })]);
    expect(outcomes).toMatchObject([{ ok: false, retryable: false }, { ok: true }]);
  });

  it('does not let one document that a validator refuses sink the others', async () => {
    await connection.createCollection('events', {
      validator: { $jsonSchema: { properties: { name: { enum: ['good'] } } } },
    });
    const { tracker, dead, account } = tracked();
    for (const name of ['good', 'poison', 'good']) tracker.emit(name);
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 2, dead: 1, pending: 0 });
    expect(await storedIn(connection)).toHaveLength(2);
    const [letter] = dead.events;
    expect(letter).toMatchObject({
      name: 'poison',
      dead_letter: { path: 'mongo', reason: 'rejected', error: expect.stringMatching(/121/) },
    });
    expect(isDeadLetter(letter!)).toBe(true);
  });

  it('keeps a document of more than 16 MB out of the way of the others, and says why', async () => {
    const { tracker, dead, account } = tracked();
    tracker.emit('before');
    tracker.emit('huge', { text: 'x'.repeat(17 * 1024 * 1024) });
    tracker.emit('after');
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 2, dead: 1 });
    expect((await storedIn(connection)).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(dead.events[0]).toMatchObject({
      name: 'huge',
      dead_letter: { error: expect.stringMatching(/bytes large, more than MongoDB takes/) },
    });
  });

  it('makes readable what a processor added and BSON cannot hold', async () => {
    const { tracker, account } = tracked();
    const circle: Record<string, unknown> = { when: new Date(0) };
    circle['self'] = circle;
    tracker.registerProcessor((each) => {
      if (each.name === 'odd') each.data['circle'] = circle;
    });
    tracker.emit('plain');
    tracker.emit('odd', { n: 1 });
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 2 });
    const stored = await storedIn(connection);
    expect(stored.find(({ name }) => name === 'odd')!.data).toEqual({
      n: 1,
      circle: { when: new Date(0), self: '[Circular]' },
    });
  });

  it('refuses only the document whose key BSON cannot write', async () => {
    const outcomes = await backend().sendBatch([
      event('fine'),
      event('null byte', { 'a\0b': 1 }),
      event('fine too'),
    ]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, retryable: false }, { ok: true }]);
    expect(await storedIn(connection)).toHaveLength(2);
  });

  it('stores keys with dots and dollars as they are', async () => {
    const data = { 'a.b': 1, $set: { 'c.$d': 2 }, '': 3, $: 4 };
    await backend().sendBatch([event('keys', data)]);
    expect((await storedIn(connection))[0]!.data).toEqual(data);
  });
});

describe('MongoBackend: the collection', () => {
  const indexes = async (name = 'events') =>
    (await connection.collection(name).indexes()).filter(({ key }) => !('_id' in key));

  it('gets indexes on the time, newest first, and the name, and those that are asked for', async () => {
    const key = { 'context.user_id': 1, timestamp: -1 } as const;
    await backend({ indexes: [{ key }] }).sendBatch([event('a')]);
    await vi.waitUntil(async () => (await indexes()).length === 3);
    expect((await indexes()).map((index) => index.key)).toEqual(
      expect.arrayContaining([{ timestamp: -1 }, { name: 1 }, key]),
    );
  });

  it('gets none where none are wanted', async () => {
    await backend({ indexes: false }).sendBatch([event('a')]);
    expect(await indexes()).toEqual([]);
  });

  it('reports an index that cannot be created, and stores events without', async () => {
    await connection.collection('events').createIndex({ name: 1 }, { unique: true });
    const { tracker, log, account } = tracked();
    tracker.emit('a');
    tracker.emit('b');
    await tracker.flush();
    await vi.waitUntil(() => log.error.mock.calls.length > 0);
    expect(log.error.mock.calls.join()).toMatch(
      /index on \{"name":1\} could not be created in MongoDB: .*Events are stored without/,
    );
    expect(account()).toMatchObject({ delivered: 2 });
  });

  it('forgets events after the time to live, and follows a change of it', async () => {
    await backend({ ttl: 3_600 }).sendBatch([event('a')]);
    const ttl = async (): Promise<unknown> =>
      (await indexes()).find(({ key }) => 'timestamp' in key)?.['expireAfterSeconds'];
    await vi.waitUntil(async () => (await ttl()) === 3_600);
    await backend({ ttl: 60 }).sendBatch([event('b')]);
    await vi.waitUntil(async () => (await ttl()) === 60);
  });

  it('is one of time series where that is wanted', async () => {
    await backend({ collection: 'series', timeSeries: { metaField: 'name' } }).sendBatch([
      event('a'),
    ]);
    const [info] = await connection.db!.listCollections({ name: 'series' }).toArray();
    expect(info).toMatchObject({
      options: { timeseries: { timeField: 'timestamp', metaField: 'name' } },
    });
    expect(await storedIn(connection, 'series')).toHaveLength(1);
  });

  it('lies in the database and under the name that are asked for', async () => {
    const database = `${connection.name}-other`;
    await backend({ database, collection: 'tracks' }).sendBatch([event('a')]);
    const other = connection.getClient().db(database);
    expect(await other.collection('tracks').countDocuments()).toBe(1);
    await other.dropDatabase();
  });

  it('takes the events of an ordered batch in order, and none past one that fails', async () => {
    await connection.createCollection('events', {
      validator: { $jsonSchema: { properties: { name: { not: { enum: ['poison'] } } } } },
    });
    const batch = ['a', 'poison', 'b'].map((name) => event(name));
    const outcomes = await backend({ ordered: true }).sendBatch(batch);
    expect(outcomes).toMatchObject([
      { ok: true },
      { ok: false, retryable: false },
      { ok: false, retryable: true },
    ]);
    const { tracker, account } = tracked({ ordered: true });
    for (const name of ['c', 'poison', 'd']) tracker.emit(name);
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 2, dead: 1 });
  });

  it('asks for the write concern it is told', async () => {
    const mongo = backend({ writeConcern: { w: 'majority', wtimeoutMS: 5_000 } });
    expect(await mongo.sendBatch([event('a')])).toBeUndefined();
  });
});

describe('MongoBackend: what it refuses', () => {
  it.each([
    [
      { connection: undefined },
      /connection is one of Mongoose, received undefined.*mongoBackend\(\)/,
    ],
    [{ writeConcern: { w: 0 } }, /w: 0 acknowledges nothing/],
    [{ ttl: -1 }, /ttl is a number of seconds above 0, received the number -1/],
    [{ collection: '' }, /collection is a name, received the string ''/],
  ])('%j', (options, message) => {
    expect(() => backend(options as Partial<MongoBackendOptions>)).toThrow(message);
  });

  it('checks that the database answers', async () => {
    await expect(backend().check()).resolves.toBeUndefined();
  });
});
