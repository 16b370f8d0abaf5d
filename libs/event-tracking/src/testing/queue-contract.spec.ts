import { describe, expect, it } from 'vitest';
import type { Backend, Deadline } from '../core/tree/backend.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type {
  EventQueue,
  QueuedEvent,
  EventQueueProducer,
  EventQueueConsumer,
} from '../core/tree/event-queue.js';
import { packEvent, unpackEvent, type PackedEvent } from '../core/event/packed-event.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import { MemoryEventQueue } from '../delivery/memory-event-queue.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import { queueContract } from './queue-contract.js';

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly text: string;
  readonly owner: SoundQueue;
  isTaken: boolean;
}

interface KeptRecord {
  readonly key: string;
  readonly record: MetadataRecord;
  isTaken: boolean;
}

/** What outlives a queue, and can be switched off. */
class Store {
  entries: Entry[] = [];
  records: KeptRecord[] = [];
  readonly lines = new Set<SoundLine>();
  isReachable = true;

  require(): void {
    if (!this.isReachable) throw new RetryableDeliveryError('ECONNREFUSED');
  }

  pump(): void {
    for (const line of this.lines) line.pump();
  }

  remove(entries: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !entries.includes(entry));
  }
}

/** What a queue may do worse than it should. */
interface Faults {
  keyOf?(place: ReturnType<EventQueueConsumer['position']>): string;
  handing?(events: QueuedEvent[]): QueuedEvent[];
  givingBack?(events: readonly QueuedEvent[]): readonly QueuedEvent[];
  storing?(text: string): string;
  registering?(record: MetadataRecord, line: SoundLine): MetadataRecord | undefined;
  /** Whether a queue may take an entry that is another's. */
  isFree?(): boolean;
  line?(line: SoundLine): Partial<SoundLine>;
  entrance?(entrance: SoundEntrance, line: SoundLine): Partial<EventQueueProducer>;
  queue?(queue: SoundQueue): Partial<EventQueue>;
  keeps?: boolean;
  forgetsWhatItTakes?: boolean;
  forgetsRecords?: boolean;
  capacity?: number;
}

/** Keeps every promise. */
class SoundQueue implements EventQueue {
  readonly lines: SoundLine[] = [];
  /** Whether its process has died. */
  isDead = false;

  constructor(
    readonly store: Store,
    readonly isShared: boolean,
    readonly faults: Faults = {},
    private readonly capacity = 1_000,
  ) {
    Object.assign(this, faults.queue?.(this));
  }

  get isGone(): boolean {
    return this.isDead || this.lines.every(({ isClosed }) => isClosed);
  }

  open(line: EventQueueConsumer): EventQueueProducer {
    const own = new SoundLine(this, line);
    Object.assign(own, this.faults.line?.(own));
    this.lines.push(own);
    this.store.lines.add(own);
    return new SoundEntrance(own, this.faults.capacity ?? this.capacity);
  }

  async check(): Promise<void> {
    this.store.require();
  }
}

class SoundLine implements Backend {
  isStarted = false;
  isClosed = false;
  readonly underWay = new Set<Promise<void>>();
  /** The records that come again when it is closed. */
  readonly refused: KeptRecord[] = [];
  readonly key: string;

  constructor(
    readonly queue: SoundQueue,
    readonly line: EventQueueConsumer,
  ) {
    const { tracker, path } = line.position();
    this.key = queue.faults.keyOf?.(line.position()) ?? JSON.stringify([tracker, path]);
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    this.queue.store.require();
    const { path } = this.line.position();
    this.add(events.map((event) => ({ path, event })));
  }

  async register(record: MetadataRecord): Promise<void> {
    this.queue.store.require();
    this.queue.store.records.push({ key: this.key, record, isTaken: false });
    this.pump();
  }

  add(events: readonly QueuedEvent[]): void {
    const { store, faults } = this.queue;
    for (const { path, event } of events) {
      const written = JSON.stringify(packEvent(event));
      const text = faults.storing?.(written) ?? written;
      store.entries.push({ key: this.key, path, text, owner: this.queue, isTaken: false });
    }
    store.pump();
  }

  pump(): void {
    if (!this.isStarted || this.isClosed || this.queue.isDead) return;
    const { store, isShared, faults } = this.queue;
    for (const each of store.records) if (each.key === this.key) this.takeRecord(each);
    const entries = store.entries.filter(
      ({ key, isTaken, owner }) =>
        key === this.key &&
        !isTaken &&
        (isShared || owner === this.queue || owner.isGone || faults.isFree?.() === true),
    );
    if (entries.length === 0) return;
    for (const entry of entries) entry.isTaken = true;
    if (faults.forgetsWhatItTakes === true) store.remove(entries);
    const taking = this.consume(entries).finally(() => this.underWay.delete(taking));
    this.underWay.add(taking);
  }

  takeRecord(kept: KeptRecord): void {
    if (kept.isTaken) return;
    kept.isTaken = true;
    const { registering, forgetsRecords } = this.queue.faults;
    const { store } = this.queue;
    const record = registering === undefined ? kept.record : registering(kept.record, this);
    if (record === undefined) return;
    const taking = this.line
      .register(structuredClone(record))
      .then(
        () => true,
        () => forgetsRecords === true,
      )
      .then((isDone) => {
        if (isDone) store.records = store.records.filter((each) => each !== kept);
        else this.refused.push(kept);
      })
      .finally(() => this.underWay.delete(taking));
    this.underWay.add(taking);
  }

  async consume(entries: readonly Entry[]): Promise<void> {
    const { faults, store } = this.queue;
    const events = entries.map(({ path, text }) => ({
      path,
      event: unpackEvent(JSON.parse(text) as PackedEvent),
    }));
    const undelivered = await this.line
      .consume(faults.handing?.(events) ?? events, { keeps: faults.keeps ?? true })
      .catch(() => this.survive());
    if (this.queue.isDead) return;
    store.remove(entries);
    this.add(faults.givingBack?.(undelivered) ?? undelivered);
  }

  survive(): readonly QueuedEvent[] {
    return [];
  }

  async drain(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  async end({ signal }: Deadline): Promise<void> {
    this.isClosed = true;
    await untilAborted(this.drain(), signal);
    for (const kept of this.refused) kept.isTaken = false;
    this.queue.store.pump();
  }
}

class SoundEntrance extends DeliveringBackend implements EventQueueProducer {
  constructor(
    private readonly line: SoundLine,
    capacity: number,
  ) {
    const { send, sendBatch, register } = line;
    super(
      { send: send.bind(line), sendBatch: sendBatch.bind(line), register: register.bind(line) },
      {
        capacity,
        batchSize: Math.min(10, capacity),
        flushInterval: 0,
        retry: { maxDelay: 5, minDelay: 1 },
      },
    );
    Object.assign(this, line.queue.faults.entrance?.(this, line));
  }

  start({ worker }: { worker: boolean }): void {
    if (!worker && this.line.queue.isShared) return;
    this.line.isStarted = true;
    this.line.pump();
  }

  override async flush(deadline: Deadline = {}): Promise<void> {
    await super.flush(deadline);
    if (!this.line.queue.isShared) await untilAborted(this.line.drain(), deadline.signal);
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.line.end(deadline);
  }
}

type Kind = 'own' | 'shared' | 'passing';

function subjectOf(kind: Kind, faults: Faults = {}, timeout = 1_000): QueueContractSubject {
  let store = new Store();
  let made: SoundQueue[] = [];
  const create = (capacity?: number): SoundQueue => {
    const queue = new SoundQueue(store, kind === 'shared', faults, capacity);
    made.push(queue);
    return queue;
  };
  const subject: QueueContractSubject = {
    create: () => create(),
    createSmall: (capacity) => create(capacity),
    isShared: kind === 'shared',
    timeout,
    async cleanUp() {
      store = new Store();
      made = [];
    },
    outage: {
      begin: async () => void (store.isReachable = false),
      end: async () => void (store.isReachable = true),
    },
  };
  if (kind === 'passing') return subject;
  return {
    ...subject,
    isDurable: true,
    async crash() {
      for (const queue of made) queue.isDead = true;
      for (const entry of store.entries) entry.isTaken = false;
    },
  };
}

describe.each<[string, QueueContractSubject]>([
  ['a queue of each process', subjectOf('own')],
  ['a queue that processes share', subjectOf('shared')],
  ['a queue whose content ends with the process', subjectOf('passing')],
  ['a MemoryEventQueue', { create: () => new MemoryEventQueue() }],
])('queueContract of %s', (_, subject) => {
  for (const { name, run } of queueContract(subject)) it(name, run);
});

const never = (): Promise<never> => new Promise(() => {});
const NOT_HANDED_OVER = /events were sent and not handed over/;

interface Broken {
  readonly faults: Faults;
  readonly says: RegExp;
}

const replacing = (text: string | RegExp, by: string): Faults => ({
  storing: (stored) => stored.replaceAll(text, by),
});

const changing = (change: (event: TrackingEvent) => object): Faults => ({
  handing: (events) =>
    events.map(({ path, event }) => ({ path, event: { ...event, ...change(event) } })),
});

/** For each promise, queues that break it, and what is said of them. */
const BROKEN: Record<string, readonly Broken[]> = {
  'hands over a metadata record as it was, at its node': [
    {
      faults: { registering: () => undefined },
      says: /The metadata record was sent and not handed over/,
    },
    {
      faults: { registering: (record) => ({ ...record, timestamp: '' as never }) },
      says: /handed over otherwise than it was sent:\n {2}timestamp: expected/,
    },
    {
      faults: {
        registering(record, { queue }) {
          for (const { line } of queue.lines) void line.register(record);
          return record;
        },
      },
      says: /handed over at another node too/,
    },
    {
      faults: { entrance: () => ({ register: never }) },
      says: /register\(record\) did not settle/,
    },
  ],
  'hands over again to the next a metadata record that was not taken': [
    { faults: { forgetsRecords: true }, says: /was not taken, and not handed over again/ },
    { faults: { registering: () => undefined }, says: /was sent and not handed over/ },
  ],
  'hands over an event with its id, name, timestamp to the millisecond, context and data': [
    {
      faults: replacing(/\.\d{3}Z/g, '.000Z'),
      says: /handed over otherwise than it was sent:\n {2}timestamp: expected \S+\.001Z, found \S+\.000Z/,
    },
    { faults: replacing('/courses/DemoX', '/'), says: /context\.path: expected/ },
    { faults: { handing: () => [] }, says: NOT_HANDED_OVER },
  ],
  'hands over nested data, lists and numbers as they are': [
    {
      faults: replacing('9007199254740991', '9007199254740992'),
      says: /numbers\[6\]: expected 9007199254740991, found 9007199254740992/,
    },
  ],
  'hands over text in any script, with quotes and line breaks': [
    { faults: { storing: (text) => text.normalize('NFC') }, says: /greetings\[4\]/ },
  ],
  'hands over empty objects, empty lists, empty text and nulls': [
    { faults: replacing('"nothing":null,', ''), says: /nothing: expected null, found nothing/ },
  ],
  'hands over keys with dots and dollars, and keys that JavaScript knows': [
    { faults: replacing('"course.id"', '"course_id"'), says: /\["course\.id"\]: expected "DemoX"/ },
    {
      faults: replacing(/,"__proto__":\{"polluted":true\}/g, ''),
      says: /__proto__: expected \{"polluted":true\}, found nothing/,
    },
  ],
  'hands over dates as dates, and what only looks like one as it is': [
    {
      faults: changing(({ data }) => ({ data: { ...data, at: '1970-01-01T00:00:00.005Z' } })),
      says: /data\.at: expected 1970-01-01T00:00:00\.005Z, found "1970/,
    },
    {
      faults: changing(({ data }) => ({ data: { ...data, text: new Date(5) } })),
      says: /data\.text: expected "1970/,
    },
  ],
  'hands over whatever else an event carries': [
    {
      faults: changing(() => ({ name_id: undefined })),
      says: /name_id: expected "a", found nothing/,
    },
  ],
  'neither changes the events it is sent, nor sees what others change in them later': [
    {
      faults: { entrance: () => ({ send: (event) => void (event.data = {}) }) },
      says: /was changed by the queue:\n {2}data\.course: expected/,
    },
    {
      faults: {
        entrance: (entrance) => {
          const kept: TrackingEvent[] = [];
          return {
            send: (event) => void kept.push(event),
            async flush(deadline: Deadline) {
              for (const event of kept.splice(0)) {
                SoundEntrance.prototype.send.call(entrance, event);
              }
              await SoundEntrance.prototype.flush.call(entrance, deadline);
            },
          };
        },
      },
      says: /name: expected "contract\.event", found "contract\.changed_later"/,
    },
  ],
  'hands over each event once, however many there are': [
    {
      faults: { handing: (events) => [...events, events[0]!] },
      says: /was sent once, and handed over 2 times/,
    },
    { faults: { handing: (events) => events.slice(0, 5) }, says: NOT_HANDED_OVER },
  ],
  "hands a node's events over in the order of their sends": [
    {
      faults: { handing: (events) => events.toReversed() },
      says: /number \d+ was handed over as number 0/,
    },
  ],
  'serves several nodes, each with its own events': [
    { faults: { keyOf: ({ path }) => path }, says: NOT_HANDED_OVER },
    {
      faults: { keyOf: ({ tracker, path }) => tracker + path.replace(':', '_') },
      says: /sent at the node 'a_b', and handed over at 'a:b'|not handed over/,
    },
    {
      faults: { handing: (events) => events.map(({ event }) => ({ path: 'node', event })) },
      says: /sent at the node '', and handed over at 'node'/,
    },
  ],
  'goes on serving a node when others are closed': [
    {
      faults: {
        entrance: (_, { queue }) => ({
          async close(deadline) {
            await Promise.all(queue.lines.map((line) => line.end(deadline)));
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'hands nothing over at a node that is closed, though others of its queue are not': [
    {
      faults: { line: () => ({ end: async () => {} }) },
      says: /not handed over|at a node that was closed/,
    },
  ],
  'hands over each event once where several queues stand side by side': [
    { faults: { isFree: () => true }, says: NOT_HANDED_OVER },
  ],
  'hands nothing over before it is started, and then what was sent before': [
    { faults: { line: () => ({ isStarted: true }) }, says: /before the queue was started/ },
    {
      faults: {
        entrance: (_, line) => ({
          start() {
            line.queue.store.entries = [];
            line.isStarted = true;
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'hands nothing over in a process that is no worker, and everything in one that is': [
    {
      faults: {
        entrance: (_, line) => ({
          start() {
            line.isStarted = true;
            line.pump();
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  "hands over a process's own events there, be it a worker or not": [
    {
      faults: {
        entrance: (_, line) => ({ start: ({ worker }) => void (line.isStarted = worker) }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'check resolves when the queue can be reached': [
    {
      faults: { queue: () => ({ check: () => Promise.reject(new Error('NOAUTH')) }) },
      says: /check\(\) failed: Error: NOAUTH/,
    },
    { faults: { queue: () => ({ check: never }) }, says: /check\(\) did not settle within 200 ms/ },
  ],
  'flush resolves when what was sent has been consumed, each time': [
    {
      faults: {
        entrance: (entrance) => ({
          flush: (deadline) => DeliveringBackend.prototype.flush.call(entrance, deadline),
        }),
      },
      says: /flush\(\) resolved though a consumer was still at work/,
    },
  ],
  'flush resolves when what was sent is in the queue, each time': [
    {
      faults: {
        line: () => ({ sendBatch: never }),
        entrance: () => ({ flush: async () => {} }),
      },
      says: /flush\(\) did not settle|0 of 3 events were in the queue/,
    },
  ],
  'flush resolves when nothing was sent': [
    {
      faults: {
        entrance: (_, { queue }) => ({
          flush: async () => void (queue.store.entries.length === 0 && (await never())),
        }),
      },
      says: /flush\(\) did not settle within 200 ms/,
    },
  ],
  'flush ends when its signal aborts, whatever consumers do': [
    {
      faults: { entrance: () => ({ flush: never }) },
      says: /flush\(\) did not settle within 200 ms, though its signal had aborted/,
    },
  ],
  'close waits for what is being consumed': [
    {
      faults: { line: (line) => ({ end: async () => void (line.isClosed = true) }) },
      says: /close\(\) resolved though a consumer was still at work/,
    },
  ],
  'close ends when its signal aborts, and accounts for everything': [
    {
      faults: { entrance: (_, line) => ({ close: () => line.end({}) }) },
      says: /close\(\) did not settle within 200 ms, though its signal had aborted/,
    },
    {
      faults: {
        entrance: (entrance) => {
          const stats = (): Record<string, object> =>
            Object.fromEntries(
              Object.entries(DeliveringBackend.prototype.stats.call(entrance)).map(
                ([path, account]) => [path, { ...account, delivered: 1 }],
              ),
            );
          return { stats } as Partial<EventQueueProducer>;
        },
      },
      says: /The account does not balance: 3 events were sent/,
    },
  ],
  'hands nothing over once it is closed, and counts as lost what comes later': [
    {
      faults: { entrance: () => ({ close: async () => {} }) },
      says: /handed over though the queue was closed/,
    },
  ],
  'close does no harm when it is called again': [
    {
      faults: {
        line: (line) => ({
          async end() {
            if (line.isClosed) throw new Error('it is closed already');
            line.isClosed = true;
          },
        }),
      },
      says: /close\(\) failed: Error: it is closed already/,
    },
  ],
  'close does no harm before anything was started or sent': [
    {
      faults: {
        line: (line) => ({ end: async () => void (!line.isStarted && (await never())) }),
      },
      says: /close\(\) did not settle within 200 ms/,
    },
  ],
  'loses nothing when it is closed: the next hands over the rest': [
    {
      faults: {
        entrance: (entrance, line) => ({
          async close() {
            await entrance.end({ signal: AbortSignal.abort() });
            await line.end({});
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'hands over everything before it is closed': [
    {
      faults: {
        entrance: (entrance) => ({ close: () => entrance.end({ signal: AbortSignal.abort() }) }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'hands over again, where it is missing, what a consumer gave back when it was closed': [
    { faults: { givingBack: () => [] }, says: /given back were .*; handed over again were/ },
    { faults: { keeps: false }, says: /was not told that the queue takes back what is left/ },
    {
      faults: { givingBack: (events) => events.map(({ event }) => ({ path: 'node', event })) },
      says: /number 2 at 'node\.beside'; handed over again were number 1 at 'node'/,
    },
    {
      faults: { givingBack: (events) => [...events, ...events] },
      says: /Given back were .*; handed over again were/,
    },
  ],
  'closing again waits for what the first time cut short, and loses none of it': [
    {
      faults: {
        line: (line) => ({
          async end({ signal }) {
            line.isClosed = true;
            await untilAborted(line.drain(), signal);
            if (signal?.aborted === true) line.queue.isDead = true;
          },
        }),
      },
      says: /given back were .*; handed over again were/,
    },
  ],
  'hands over after a crash what it had acknowledged, and what was being consumed': [
    { faults: { forgetsWhatItTakes: true }, says: NOT_HANDED_OVER },
    {
      faults: { line: () => ({ sendBatch: never }) },
      says: /20 of 20 events were not acknowledged/,
    },
  ],
  'counts what does not fit, and hands over the rest': [
    { faults: { capacity: 1_000 }, says: /none counted as overflow/ },
    {
      faults: { handing: (events) => events.slice(1) },
      says: /100 events were sent, 90 counted as overflow, and 9 handed over/,
    },
  ],
  'goes on when a consumer has failed, and lets nobody know but a log': [
    {
      faults: {
        line: (line) => ({
          survive() {
            line.isClosed = true;
            return [];
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
  'check rejects during an outage, when its signal aborts at the latest, and resolves after it': [
    {
      faults: { queue: () => ({ check: async () => {} }) },
      says: /check\(\) resolved though the queue could not be reached/,
    },
    {
      faults: {
        queue: ({ store }) => ({ check: async () => void (!store.isReachable && (await never())) }),
      },
      says: /check\(\) did not settle within 200 ms, though its signal had aborted/,
    },
  ],
  'hands over after an outage what was sent during it': [
    {
      faults: {
        line: (line) => ({
          async sendBatch(events) {
            if (line.queue.store.isReachable)
              await SoundLine.prototype.sendBatch.call(line, events);
          },
        }),
      },
      says: NOT_HANDED_OVER,
    },
  ],
};

const KINDS: readonly Kind[] = ['own', 'shared', 'passing'];

describe('queueContract', () => {
  it.each(
    Object.entries(BROKEN).flatMap(([name, broken]) => broken.map((each) => ({ name, ...each }))),
  )('finds a queue that breaks: $name ($says)', async ({ name, faults, says }) => {
    const promises = KINDS.flatMap((kind) => queueContract(subjectOf(kind, faults, 200)));
    const promise = promises.find((each) => each.name === name);
    await expect(promise?.run()).rejects.toThrow(says);
  });

  it('has no promise that cannot be broken', () => {
    const names = new Set(
      KINDS.flatMap((kind) => queueContract(subjectOf(kind)).map(({ name }) => name)),
    );
    expect([...names].filter((name) => BROKEN[name] === undefined)).toEqual([]);
    expect(Object.keys(BROKEN).filter((name) => !names.has(name))).toEqual([]);
  });

  it('leaves out what a subject does not promise', () => {
    const all = subjectOf('own');
    const namesOf = (subject: QueueContractSubject): string[] =>
      queueContract(subject).map(({ name }) => name);
    const without = (change: Partial<QueueContractSubject>): string[] => {
      const left = namesOf({ ...all, ...change });
      return namesOf(all).filter((name) => !left.includes(name));
    };
    expect(without({ keepsOrder: false })).toEqual([
      "hands a node's events over in the order of their sends",
    ]);
    expect(without({ crash: undefined })).toEqual([
      'hands over after a crash what it had acknowledged, and what was being consumed',
    ]);
    expect(without({ createSmall: undefined })).toEqual([
      'counts what does not fit, and hands over the rest',
    ]);
    expect(without({ outage: undefined })).toEqual(
      namesOf(all).filter((name) => name.includes('outage')),
    );
  });

  it('ends the outage, closes what it made and cleans up also where a promise is broken', async () => {
    const ended: string[] = [];
    const subject = subjectOf('own', {
      queue: () => ({
        check: async () => {},
        close: async () => void ended.push('closed'),
      }),
    });
    const broken = queueContract({
      ...subject,
      outage: {
        begin: async () => {},
        end: async () => void ended.push('reachable'),
      },
      cleanUp: async () => void ended.push('clean'),
    }).find(({ name }) => name.startsWith('check rejects'));
    await expect(broken!.run()).rejects.toThrow('check() resolved though');
    expect(ended).toEqual(['reachable', 'closed', 'clean']);
  });
});
