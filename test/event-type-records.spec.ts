import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import type { Connection } from 'mongoose';
import {
  AsyncRoutingBackend,
  defineContext,
  defineEvent,
  DeliveringBackend,
  LoggerBackend,
  MemoryBackend,
  MemoryEventQueue,
  RoutingBackend,
  Tracker,
  type Backend,
  type EventQueue,
  type LoggerBackendOptions,
  type MetadataRecord,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { MongoBackend, type MongoBackendOptions } from 'nestjs-event-tracking/mongo';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import * as z from 'zod';
import { unaccountedEvents } from './support/unaccounted-events.js';
import { deferred } from './support/deferred.js';
import { connectMongo, dropMongo, storedIn } from './support/mongo.js';

const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'Somebody got a seat in a course.',
  fields: { course_id: { description: 'The course.', type: 'string', example: 'DemoX' } },
});
const CourseLeft = defineEvent('course.left', { description: 'Somebody gave a seat back.' });
const SessionContext = defineContext('session', {
  description: 'Somebody is logged in.',
  fields: { user_id: 'Who.' },
});
const CourseContext = defineContext('course', { description: 'What happens in a course.' });

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

beforeEach(() => {
  log.warn.mockReset();
  log.error.mockReset();
});

/** A destination that keeps the order in which records and events arrive. */
class Diary implements Backend {
  readonly entries: string[] = [];
  readonly records: MetadataRecord[] = [];
  readonly events: TrackingEvent[] = [];

  /** @param isSlow - whether it stores records asynchronously, as a database does */
  constructor(private readonly isSlow = true) {}

  async register(record: MetadataRecord): Promise<void> {
    if (this.isSlow) await new Promise((resolve) => setImmediate(resolve));
    this.entries.push(record.id);
    this.records.push(record);
  }

  async send(event: TrackingEvent): Promise<void> {
    this.entries.push(`${event.name_id} ${event.context_type_id}`);
    this.events.push(event);
  }

  /** References of events to records that were unknown when the event arrived. */
  get dangling(): string[] {
    const known = new Set<string>();
    return this.entries.flatMap((entry) => {
      const ids = entry.split(' ').filter((id) => id !== 'undefined');
      if (!entry.includes(' ')) known.add(entry);
      return ids.filter((id) => !known.has(id));
    });
  }
}

/** Emits events that refer to an event type, a context type and two context types together. */
function emitSome(tracker: Tracker): void {
  tracker.register(CourseLeft);
  tracker.context(SessionContext, { user_id: 7 }, () => {
    tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
    tracker.context(CourseContext, {}, () => tracker.emit('course.left'));
  });
}

const contentOf = (records: readonly MetadataRecord[]) =>
  records
    .map(({ id, kind, name, description, fields }) => ({ id, kind, name, description, fields }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));

describe('Metadata records', () => {
  it.each<[string, () => Backend & { records: readonly MetadataRecord[] }]>([
    ['MemoryBackend', () => new MemoryBackend()],
    ['RecordingBackend', () => new RecordingBackend()],
  ])('are kept by %s', async (_name, create) => {
    const backend = create();
    const tracker = new Tracker({ backends: { backend }, eventTypes: [CourseEnrolled] });
    expect(backend.records).toEqual(tracker.records);
    emitSome(tracker);
    await tracker.flush();
    expect(tracker.records).toHaveLength(5);
    expect(contentOf(backend.records)).toEqual(contentOf(tracker.records));
  });

  it('are registered once, before the events that refer to them', async () => {
    const register = vi.fn<(record: MetadataRecord) => Promise<void>>(async () => {});
    const send = vi.fn<(event: TrackingEvent) => void>();
    const tracker = new Tracker({ backends: { backend: { register, send } } });
    for (const description of ['A', 'B', 'A', 'A']) {
      tracker.register('course.enrolled', description);
      tracker.emit('course.enrolled');
    }
    for (let time = 0; time < 3; time++) emitSome(tracker);
    await tracker.flush();
    const ids = register.mock.calls.map(([{ id }]) => id);
    expect(ids.length).toBe(new Set(ids).size);
    expect(ids.toSorted()).toEqual(tracker.records.map(({ id }) => id).toSorted());
    const orderOf = new Map(
      register.mock.calls.map(([{ id }], call) => [id, register.mock.invocationCallOrder[call]!]),
    );
    for (const [call, [{ name_id, context_type_id }]] of send.mock.calls.entries()) {
      for (const id of [name_id, context_type_id]) {
        if (id === undefined) continue;
        expect(orderOf.get(id)).toBeLessThan(send.mock.invocationCallOrder[call]!);
      }
    }
  });

  it('are registered with backends at any depth, including backends added later', async () => {
    const [deep, later, deepLater] = [new Diary(), new Diary(), new Diary()];
    const node = new RoutingBackend({ backends: { deep } });
    const tracker = new Tracker({
      backends: { outer: new RoutingBackend({ backends: { node } }) },
      eventTypes: [CourseEnrolled],
    });
    tracker.registerBackend('later', later);
    node.registerBackend('deepLater', deepLater);
    emitSome(tracker);
    await tracker.flush();
    await vi.waitUntil(() => deepLater.records.length === 5);
    for (const { records } of [deep, later, deepLater]) {
      expect(contentOf(records)).toEqual(contentOf(tracker.records));
    }
  });

  it('are not affected by a backend that changes its copy', async () => {
    const vandal: Backend = {
      send() {},
      async register(record) {
        Object.assign(record, { description: 'forged' });
        Object.assign(record.fields[0] ?? {}, { description: 'forged' });
      },
    };
    const memory = new MemoryBackend();
    const tracker = new Tracker({ backends: { a: vandal, memory, z: vandal }, logger: log });
    tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
    await tracker.flush();
    expect(JSON.stringify([memory.records, tracker.records])).not.toContain('forged');
  });

  it.each<[string, Backend['register']]>([
    [
      'throws',
      () => {
        throw new Error('no place for records');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no place for records'))],
    ['returns nothing', (() => {}) as unknown as Backend['register']],
  ])('cause only a log message if the register method of a backend %s', async (how, register) => {
    const events: TrackingEvent[] = [];
    const memory = new MemoryBackend();
    const backend: Backend = { register, send: (event) => void events.push(event) };
    const tracker = new Tracker({ backends: { backend, memory }, logger: log });
    expect(() => emitSome(tracker)).not.toThrow();
    await tracker.flush();
    await tracker.close();
    expect(events).toHaveLength(2);
    expect(memory.records).toHaveLength(5);
    const complaints = [...log.warn.mock.calls, ...log.error.mock.calls].flat().join('\n');
    if (how !== 'returns nothing') {
      expect(complaints).toContain('no place for records');
      expect(complaints).toMatch(/course\.enrolled|course\.left/);
      expect(complaints).toContain('backend');
    }
  });

  it('do not hold back events if a backend never settles register', async () => {
    const events: TrackingEvent[] = [];
    const backend: Backend = {
      register: () => new Promise(() => {}),
      send: (event) => void events.push(event),
    };
    const tracker = new Tracker({ backends: { backend }, logger: log });
    emitSome(tracker);
    await tracker.flush({ signal: AbortSignal.abort() });
    await tracker.close({ signal: AbortSignal.abort() });
    expect(events).toHaveLength(2);
  });
});

describe('Metadata records of a DeliveringBackend', () => {
  const delivery = { flushInterval: 5, retry: { minDelay: 1, maxDelay: 2 } };

  it('are registered before the events that refer to them', async () => {
    const diary = new Diary();
    const tracker = new Tracker({ backends: { diary: new DeliveringBackend(diary, delivery) } });
    emitSome(tracker);
    await tracker.flush();
    tracker.register('course.left', 'Somebody gave up.');
    tracker.emit('course.left');
    await tracker.flush();
    expect(diary.events).toHaveLength(3);
    expect(diary.dangling).toEqual([]);
    expect(contentOf(diary.records)).toEqual(contentOf(tracker.records));
  });

  it('are registered again with the next batch after a failure, which holds no event back', async () => {
    const diary = new Diary();
    let failures = 0;
    const backend: Backend = {
      send: (event) => diary.send(event),
      async register(record) {
        if (failures++ < 2) throw new Error('no place for records');
        await diary.register(record);
      },
    };
    const tracker = new Tracker({
      backends: { backend: new DeliveringBackend(backend, delivery) },
      logger: log,
    });
    for (let time = 0; time < 4; time++) {
      tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
      await tracker.flush();
    }
    expect(diary.events).toHaveLength(4);
    expect(contentOf(diary.records)).toEqual(contentOf(tracker.records));
    expect(unaccountedEvents(tracker.stats())).toBe(0);
    expect(tracker.stats().backends['backend']).toMatchObject({ delivered: 4, pending: 0 });
    expect(JSON.stringify([log.warn.mock.calls, log.error.mock.calls])).toContain(
      'no place for records',
    );
  });

  it('are given up if register exceeds the timeout of an attempt', async () => {
    const diary = new Diary();
    const backend: Backend = {
      send: (event) => diary.send(event),
      register: () => new Promise(() => {}),
    };
    const tracker = new Tracker({
      backends: { backend: new DeliveringBackend(backend, { ...delivery, timeout: 20 }) },
      logger: log,
    });
    tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
    await tracker.flush();
    expect(diary.events).toHaveLength(1);
  });
});

describe('LoggerBackend', () => {
  function logged(options: LoggerBackendOptions = {}) {
    const lines: string[] = [];
    const logger = { log: (line: string) => void lines.push(line) };
    const tracker = new Tracker({ backends: { log: new LoggerBackend({ logger, ...options }) } });
    emitSome(tracker);
    return { tracker, parsed: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  }

  it('logs each metadata record before the events that refer to it', () => {
    const { tracker, parsed } = logged();
    const records = parsed.flatMap((line) =>
      'metadata_record' in line ? [line['metadata_record'] as MetadataRecord] : [],
    );
    expect(contentOf(records)).toEqual(contentOf(tracker.records));
    for (const { timestamp } of records) {
      expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    const known = new Set<unknown>();
    for (const { metadata_record, name, name_id, context_type_id } of parsed) {
      if (metadata_record !== undefined) known.add((metadata_record as MetadataRecord).id);
      else
        expect([name, known.has(name_id), known.has(context_type_id)]).toEqual([name, true, true]);
    }
    expect(parsed).toHaveLength(7);
  });

  it('passes metadata records to a logger like pino as objects', () => {
    const lines: object[] = [];
    const logger = { info: (line: object) => void lines.push(line) };
    const tracker = new Tracker({ backends: { log: new LoggerBackend({ logger }) } });
    tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
    const [record] = tracker.records;
    expect(lines).toMatchObject([
      { metadata_record: { id: record!.id, name: 'course.enrolled' } },
      { event: { name_id: record!.id } },
    ]);
  });

  it('logs no metadata records with metadata: false', () => {
    const { parsed } = logged({ metadata: false });
    expect(parsed.map(({ name }) => name)).toEqual(['course.enrolled', 'course.left']);
  });

  it('escapes line breaks in descriptions', () => {
    const lines: string[] = [];
    const logger = { log: (line: string) => void lines.push(line) };
    const tracker = new Tracker({ backends: { log: new LoggerBackend({ logger }) } });
    tracker.register('a', 'first\n{"name":"forged"}\r\u2028second');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\n\r]/);
  });
});

describe('MongoBackend', () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await connectMongo();
  });

  afterEach(() => dropMongo(connection));

  const trackerOf = (options: Partial<MongoBackendOptions> = {}, direct = false): Tracker => {
    const mongo = new MongoBackend({ connection, logger: log, ...options });
    return new Tracker({
      backends: { mongo: direct ? mongo : new DeliveringBackend(mongo, { flushInterval: 5 }) },
      logger: log,
    });
  };
  const recordsIn = (collection = 'event_types') =>
    connection.collection<{ _id: string }>(collection).find().toArray();

  it('stores metadata records next to the events that refer to them', async () => {
    const tracker = trackerOf();
    emitSome(tracker);
    await tracker.flush();
    const documents = await recordsIn();
    const stored = documents.map(({ _id, ...rest }) => ({ id: _id, ...rest }) as never);
    expect(contentOf(stored)).toEqual(contentOf(tracker.records));
    for (const document of documents) {
      expect(document).toMatchObject({ timestamp: expect.any(Date), _id: expect.any(String) });
      expect(document).not.toHaveProperty('id');
    }
    const ids = new Set(documents.map(({ _id }) => _id));
    const events = await storedIn(connection);
    expect(events).toHaveLength(2);
    for (const { name_id, context_type_id } of events) {
      expect([ids.has(name_id!), ids.has(context_type_id!)]).toEqual([true, true]);
    }
  });

  it.each([
    ['with the delivery engine', false],
    ['without the delivery engine', true],
  ])('stores a metadata record of several applications once, %s', async (_how, direct) => {
    const fleet = [0, 1, 2, 3].map(() => trackerOf({}, direct));
    for (const tracker of fleet) emitSome(tracker);
    for (const tracker of fleet) await tracker.flush();
    await vi.waitUntil(async () => (await recordsIn()).length === 5);
    for (const tracker of fleet) await tracker.close();
    expect(await recordsIn()).toHaveLength(5);
    expect(log.error).not.toHaveBeenCalled();
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('stores every version of a metadata record', async () => {
    const tracker = trackerOf();
    const ids = ['A', 'B', 'A'].map(
      (description) => tracker.register('course.enrolled', description).id,
    );
    tracker.emit('course.enrolled');
    await tracker.flush();
    expect((await recordsIn()).map(({ _id }) => _id).toSorted()).toEqual(
      [...new Set(ids)].toSorted(),
    );
  });

  it('stores metadata records with any field names and schemas', async () => {
    const tracker = trackerOf();
    tracker.register('odd', '', { 'a.b': 'dots', $ref: 'dollars', '': 'nothing' });
    tracker.register(
      defineEvent('validated', {
        description: '',
        schema: z.object({ $set: z.string(), 'a.b': z.object({ nested: z.number() }) }),
        example: { $set: 'x', 'a.b': { nested: 1 } },
      }),
    );
    tracker.emit('odd', { 'a.b': 1, $ref: 1, '': 1 });
    await tracker.flush();
    const documents = await recordsIn();
    const named = (name: string) =>
      documents.find((document) => 'name' in document && document.name === name);
    expect(named('odd')).toMatchObject({
      fields: [
        { name: '', description: 'nothing' },
        { name: '$ref', description: 'dollars' },
        { name: 'a.b', description: 'dots' },
      ],
    });
    expect(named('validated')).toMatchObject({
      schema: { type: 'object', properties: { $set: { type: 'string' } } },
      example: { $set: 'x', 'a.b': { nested: 1 } },
    });
  });

  it('stores metadata records in the configured collection, or not at all', async () => {
    for (const metadataCollection of ['catalogue', false] as const) {
      const tracker = trackerOf({ metadataCollection });
      tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
      await tracker.flush();
    }
    expect(await recordsIn('catalogue')).toHaveLength(1);
    expect(await recordsIn()).toEqual([]);
    expect(await storedIn(connection)).toHaveLength(2);
  });
});

describe('Metadata records behind a queue', () => {
  let directory: string;
  let name: string;
  let trackers: Tracker[];
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const connection = { host, port: Number(port), maxRetriesPerRequest: null };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'records-'));
    name = `test-${randomUUID().slice(0, 8)}`;
    trackers = [];
  });

  afterEach(async () => {
    for (const tracker of trackers) await tracker.close({ signal: AbortSignal.timeout(2_000) });
    await rm(directory, { recursive: true, force: true });
    const queue = new Queue(name, { connection, prefix: '{event-tracking}' });
    await queue.obliterate({ force: true });
    await queue.close();
  });

  const QUEUES: Record<string, () => EventQueue> = {
    'in memory': () => new MemoryEventQueue(),
    'on disk': () => new DiskEventQueue({ directory, logger: log, syncInterval: 10 }),
    'in Redis': () =>
      new BullMqEventQueue({ connection, name, logger: log, delivery: { flushInterval: 5 } }),
  };

  /** Creates a process whose tracker sends events to a queue. */
  function member(queue: EventQueue, backends: Record<string, Backend>, worker = true): Tracker {
    const node = new AsyncRoutingBackend({ queue, backends, worker });
    const tracker = new Tracker({ backends: { node }, logger: log });
    trackers.push(tracker);
    return tracker;
  }

  describe.each(Object.entries(QUEUES))('%s', (_where, create) => {
    it('arrive before the events that refer to them', async () => {
      const [diary, deep] = [new Diary(), new Diary(false)];
      const inner = new RoutingBackend({ backends: { deep } });
      const tracker = member(create(), { diary, inner });
      emitSome(tracker);
      await tracker.flush();
      for (const { events } of [diary, deep]) {
        await vi.waitUntil(() => events.length === 2, { timeout: 10_000 });
      }
      for (const { dangling, records } of [diary, deep]) {
        expect(dangling).toEqual([]);
        expect(contentOf(records)).toEqual(contentOf(tracker.records));
        expect(records.every(({ timestamp }) => timestamp instanceof Date)).toBe(true);
      }
    });

    it('are still referred to by events that were emitted before a new registration', async () => {
      const diary = new Diary();
      const tracker = member(create(), { diary });
      const ids = ['A', 'B', 'C', 'B'].map((description) => {
        const { id } = tracker.register('course.left', description);
        tracker.emit('course.left');
        return id;
      });
      await tracker.flush();
      await vi.waitUntil(() => diary.events.length === ids.length, { timeout: 10_000 });
      expect(diary.events.map(({ name_id }) => name_id)).toEqual(ids);
      expect(diary.events[0]).not.toHaveProperty('context_type_id');
      expect(diary.dangling).toEqual([]);
    });

    it('do not hold back events if a destination rejects them', async () => {
      const diary = new Diary();
      const refusing: Backend = {
        send: (event) => diary.send(event),
        register: () => Promise.reject(new Error('no place for records')),
      };
      const beside = new Diary();
      const tracker = member(create(), { beside, refusing });
      emitSome(tracker);
      await tracker.flush();
      await vi.waitUntil(() => diary.events.length === 2 && beside.events.length === 2, {
        timeout: 10_000,
      });
      expect(contentOf(beside.records)).toEqual(contentOf(tracker.records));
      expect(JSON.stringify([log.warn.mock.calls, log.error.mock.calls])).toContain(
        'no place for records',
      );
    });

    it('are not counted as events', async () => {
      const diary = new Diary();
      const tracker = member(create(), { diary });
      emitSome(tracker);
      await tracker.flush();
      await vi.waitUntil(() => diary.events.length === 2, { timeout: 10_000 });
      await tracker.flush();
      const stats = tracker.stats();
      expect(stats).toMatchObject({ arrived: 2, delivered: 2, pending: 0 });
      expect(stats.backends['node.queue']).toMatchObject({ arrived: 2, delivered: 2 });
      expect(stats.backends['node.diary']).toMatchObject({ arrived: 2, delivered: 2 });
      for (const each of Object.values(stats.backends)) expect(unaccountedEvents(each)).toBe(0);
    });
  });

  it('in Redis reach a worker that has registered no types itself', async () => {
    const [diary, idle] = [new Diary(), new Diary()];
    const application = member(QUEUES['in Redis']!(), { destination: idle }, false);
    emitSome(application);
    await application.flush();
    expect(idle.entries).toEqual([]);

    const worker = member(QUEUES['in Redis']!(), { destination: diary });
    await vi.waitUntil(() => diary.events.length === 2, { timeout: 10_000 });
    expect(worker.records).toEqual([]);
    expect(diary.dangling).toEqual([]);
    expect(contentOf(diary.records)).toEqual(contentOf(application.records));
    expect(idle.entries).toEqual([]);
  });

  it('in Redis reach MongoDB', async () => {
    const mongo = await connectMongo();
    try {
      const application = member(QUEUES['in Redis']!(), { mongo: new MemoryBackend() }, false);
      member(QUEUES['in Redis']!(), {
        mongo: new MongoBackend({ connection: mongo, logger: log }),
      });
      emitSome(application);
      await application.flush();
      await vi.waitUntil(async () => (await storedIn(mongo)).length === 2, { timeout: 10_000 });
      const known = await mongo.collection<{ _id: string }>('event_types').find().toArray();
      const ids = new Set(known.map(({ _id }) => _id));
      expect([...ids].toSorted()).toEqual(application.records.map(({ id }) => id).toSorted());
    } finally {
      for (const tracker of trackers) await tracker.close({ signal: AbortSignal.timeout(2_000) });
      await dropMongo(mongo);
    }
  });

  it('on disk survive the process, as do the references of events', async () => {
    const [diary, proceed] = [new Diary(), deferred()];
    const stuck: Backend = {
      send: () => proceed.promise,
      register: (record) => diary.register(record),
    };
    const before = member(QUEUES['on disk']!(), { destination: stuck });
    emitSome(before);
    await vi.waitUntil(() => diary.records.length === 5);
    await before.close({ signal: AbortSignal.timeout(200) });
    proceed.resolve();

    const after = member(QUEUES['on disk']!(), { destination: diary });
    await after.flush();
    await vi.waitUntil(() => diary.events.length === 2, { timeout: 10_000 });
    expect(after.records).toEqual([]);
    expect(diary.events.map(({ name_id }) => name_id)).toEqual(
      ['course.enrolled', 'course.left'].map(
        (name) => before.records.find((record) => record.name === name)!.id,
      ),
    );
    expect(diary.dangling).toEqual([]);
  });
});
