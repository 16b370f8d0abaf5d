import mongoose, { type Connection } from 'mongoose';
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

/** Creates a tracker that delivers to MongoDB as in an application, and its dead letters. */
function tracked(options: Partial<MongoBackendOptions> = {}) {
  const dead = new MemoryBackend();
  const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
  const mongo = new DeliveringBackend(backend({ logger: log, ...options }), { deadLetter: dead });
  const tracker = new Tracker({ backends: { mongo }, logger: log });
  return { tracker, dead, log, account: () => tracker.stats().backends['mongo']! };
}

describe('MongoBackend fulfils the backend contract:', () => {
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
    // The driver notices only at a write that an idle connection is closed.
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

describe('MongoBackend', () => {
  it('stores an event once, with its id as _id', async () => {
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

  it('treats an event that is already stored as delivered', async () => {
    const mongo = backend();
    const [one, other, third] = [event('a'), event('b'), event('c')];
    await mongo.sendBatch([one, other]);
    const outcomes = await mongo.sendBatch([other, third, one]);
    expect(outcomes).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect((await storedIn(connection)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('rejects a duplicate in another unique index permanently', async () => {
    const mongo = backend({ indexes: [{ key: { 'data.order': 1 }, options: { unique: true } }] });
    await mongo.sendBatch([event('a', { order: 1 })]);
    await vi.waitUntil(async () => (await connection.collection('events').indexes()).length === 4);
    const outcomes = await mongo.sendBatch([event('b', { order: 1 }), event('c', { order: 2 })]);
    expect(outcomes).toMatchObject([{ ok: false, retryable: false }, { ok: true }]);
  });

  it.each([
    ['data._id', { _id: 5 }],
    ['data.key', { key: ' index: _id_ dup key: { _id: 5 }' }],
  ])('rejects a duplicate in a unique index on %s permanently', async (field, data) => {
    await connection.collection('events').createIndex({ [field]: 1 }, { unique: true });
    const outcomes = await backend().sendBatch([event('a', data), event('b', data)]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, retryable: false }]);
  });

  it('retries stored events while the write concern is not met', async () => {
    const unmet = { code: 64, errmsg: 'waiting for replication timed out' };
    const error = Object.assign(new Error('E11000'), {
      name: 'MongoBulkWriteError',
      code: 11_000,
      writeErrors: [{ index: 0, code: 11_000 }],
      result: { getWriteConcernError: () => unmet },
    });
    const collection = { insertMany: () => Promise.reject(error) };
    vi.spyOn(connection.db!, 'collection').mockReturnValue(collection as never);
    const mongo = backend({ indexes: false, writeConcern: { w: 'majority' } });
    const lacking = { ok: false, retryable: true, error: { message: expect.stringMatching(/64/) } };
    expect(await mongo.sendBatch([event('a'), event('b')])).toMatchObject([lacking, lacking]);
    vi.restoreAllMocks();
  });

  it('stores the other events of a batch if a validator rejects one', async () => {
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

  it('rejects a document of more than 16 MB with the reason, and stores the others', async () => {
    const { tracker, dead, account } = tracked();
    tracker.emit('before');
    tracker.emit('huge', { text: 'x'.repeat(17 * 1024 * 1024) });
    tracker.emit('after');
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 2, dead: 1 });
    expect((await storedIn(connection)).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(dead.events[0]).toMatchObject({
      name: 'huge',
      dead_letter: { error: expect.stringMatching(/bytes large, more than MongoDB stores/) },
    });
  });

  it('stores values of a processor that BSON cannot represent as readable text', async () => {
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

  it('stores values that BSON would omit or change as readable text', async () => {
    const odd = event('odd', {
      call: function call() {},
      huge: 2n ** 70n,
      large: 2n ** 40n,
      never: new Date(NaN),
      set: new Set([1]),
      url: new URL('https://example.org/'),
      error: new RangeError('out'),
      get trap() {
        throw new Error('not to be read');
      },
    });
    expect(await backend().sendBatch([odd, event('plain')])).toBeUndefined();
    const stored = await storedIn(connection);
    expect(stored[0]!.data).toEqual({
      call: '[Function call]',
      huge: String(2n ** 70n),
      large: String(2n ** 40n),
      never: 'Invalid Date',
      set: [1],
      url: 'https://example.org/',
      error: { name: 'RangeError', message: 'out' },
      trap: '[Throws: not to be read]',
    });
    expect(stored).toHaveLength(2);
  });

  it('stores values of BSON types unchanged', async () => {
    const data = { large: 2n ** 40n, id: new mongoose.Types.ObjectId(), bytes: Buffer.from('x') };
    await backend().sendBatch([event('plain', data)]);
    const [document] = await connection.collection('events').find().toArray();
    expect(document!['data']).toMatchObject({ large: 2 ** 40, id: data.id });
    expect(document!['data']).toHaveProperty('bytes._bsontype', 'Binary');
  });

  it('stores keys that a processor added beside context and data, whatever their names', async () => {
    const named = { ...event('a'), constructor: 'c', toString: 't' } as unknown as TrackingEvent;
    await backend().sendBatch([named]);
    const [document] = await connection.collection('events').find().toArray();
    expect(document).toMatchObject({ constructor: 'c', toString: 't' });
  });

  it('rejects only the document with a key that BSON cannot write', async () => {
    const outcomes = await backend().sendBatch([
      event('fine'),
      event('null byte', { 'a\0b': 1 }),
      event('fine too'),
    ]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, retryable: false }, { ok: true }]);
    expect(await storedIn(connection)).toHaveLength(2);
  });

  it('stores keys with dots and dollars unchanged', async () => {
    const data = { 'a.b': 1, $set: { 'c.$d': 2 }, '': 3, $: 4 };
    await backend().sendBatch([event('keys', data)]);
    expect((await storedIn(connection))[0]!.data).toEqual(data);
  });
});

describe('The collection of MongoBackend', () => {
  const indexes = async (name = 'events') =>
    (await connection.collection(name).indexes()).filter(({ key }) => !('_id' in key));

  it('has indexes on the descending time, on the name, and the configured ones', async () => {
    const key = { 'context.user_id': 1, timestamp: -1 } as const;
    await backend({ indexes: [{ key }] }).sendBatch([event('a')]);
    await vi.waitUntil(async () => (await indexes()).length === 3);
    expect((await indexes()).map((index) => index.key)).toEqual(
      expect.arrayContaining([{ timestamp: -1 }, { name: 1 }, key]),
    );
  });

  it('has no indexes with indexes: false', async () => {
    await backend({ indexes: false }).sendBatch([event('a')]);
    expect(await indexes()).toEqual([]);
  });

  it('stores events even if an index cannot be created, which is logged', async () => {
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

  it('expires events after the time to live, and adopts a changed time', async () => {
    await backend({ ttl: 3_600 }).sendBatch([event('a')]);
    const ttl = async (): Promise<unknown> =>
      (await indexes()).find(({ key }) => 'timestamp' in key)?.['expireAfterSeconds'];
    await vi.waitUntil(async () => (await ttl()) === 3_600);
    await backend({ ttl: 60 }).sendBatch([event('b')]);
    await vi.waitUntil(async () => (await ttl()) === 60);
  });

  it('can be a time series collection', async () => {
    await backend({ collection: 'series', timeSeries: { metaField: 'name' } }).sendBatch([
      event('a'),
    ]);
    const [info] = await connection.db!.listCollections({ name: 'series' }).toArray();
    expect(info).toMatchObject({
      options: { timeseries: { timeField: 'timestamp', metaField: 'name' } },
    });
    expect(await storedIn(connection, 'series')).toHaveLength(1);
  });

  it('has the configured database and name', async () => {
    const database = `${connection.name}-other`;
    await backend({ database, collection: 'tracks' }).sendBatch([event('a')]);
    const other = connection.getClient().db(database);
    expect(await other.collection('tracks').countDocuments()).toBe(1);
    await other.dropDatabase();
  });

  it('receives the events of an ordered batch in order, up to the first failure', async () => {
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

  it('receives an ordered batch beyond events that are already stored', async () => {
    const batch = ['a', 'b', 'c', 'd'].map((name) => event(name));
    await backend().sendBatch(batch.slice(0, 3));
    const outcomes = (await backend({ ordered: true }).sendBatch(batch)) ?? [];
    expect(outcomes).toEqual(Array(4).fill({ ok: true }));
    expect(await storedIn(connection)).toHaveLength(4);
  });

  it('is created with its options after a first attempt failed', async () => {
    const passing = Object.assign(new Error('not primary'), {
      name: 'MongoServerError',
      code: 10_107,
    });
    vi.spyOn(connection.db!, 'createCollection').mockRejectedValueOnce(passing);
    const { tracker, account } = tracked({ collection: 'series', timeSeries: true });
    tracker.emit('a');
    await tracker.flush();
    expect(account()).toMatchObject({ delivered: 1, retried: 1 });
    const [info] = await connection.db!.listCollections({ name: 'series' }).toArray();
    expect(info).toMatchObject({ options: { timeseries: { timeField: 'timestamp' } } });
  });

  it('is found again after the connection is closed and reopened', async () => {
    const uri = databaseUri();
    const reopened = await connectMongo(uri);
    const mongo = backend({ connection: reopened });
    await mongo.sendBatch([event('a')]);
    await mongo.close();
    await reopened.close();
    await reopened.openUri(uri);
    expect(await mongo.sendBatch([event('b')])).toBeUndefined();
    await mongo.close();
    await dropMongo(reopened);
  });

  it('is written with the configured write concern', async () => {
    const mongo = backend({ writeConcern: { w: 'majority', wtimeoutMS: 5_000 } });
    expect(await mongo.sendBatch([event('a')])).toBeUndefined();
  });
});

describe('MongoBackend options', () => {
  it.each([
    [
      { connection: undefined },
      /connection must be a Mongoose connection; received undefined.*mongoBackend\(\)/,
    ],
    [{ writeConcern: { w: 0 } }, /writeConcern must acknowledge writes/],
    [{ ttl: -1 }, /ttl must be a number of seconds above 0; received the number -1/],
    [{ collection: '' }, /collection must be a non-empty string; received the string ''/],
  ])('must not be %j', (options, message) => {
    expect(() => backend(options as Partial<MongoBackendOptions>)).toThrow(message);
  });

  it('pass check() if the database answers', async () => {
    await expect(backend().check()).resolves.toBeUndefined();
  });
});
