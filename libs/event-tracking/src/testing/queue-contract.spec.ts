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
  UnacknowledgedEvent,
} from '../core/tree/event-queue.js';
import { packEvent, unpackEvent, type PackedEvent } from '../core/tree/packed-event.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { nodeOf } from '../core/tree/tree-node.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import { MemoryEventQueue } from '../delivery/memory-event-queue.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import { queueContract } from './queue-contract.js';

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly text: string;
  readonly owner: SoundQueue;
  isClaimed: boolean;
}

interface KeptRecord {
  readonly key: string;
  readonly record: MetadataRecord;
  isClaimed: boolean;
}

/** Storage that outlives its queues and can be made unreachable. */
class Store {
  entries: Entry[] = [];
  records: KeptRecord[] = [];
  readonly consumers = new Set<SoundConsumer>();
  isReachable = true;

  require(): void {
    if (!this.isReachable) throw new RetryableDeliveryError('ECONNREFUSED');
  }

  pump(): void {
    for (const consumer of this.consumers) consumer.pump();
  }

  remove(entries: readonly Entry[]): void {
    this.entries = this.entries.filter((entry) => !entries.includes(entry));
  }
}

/** Overrides that make a queue faulty. */
interface Faults {
  keyOf?(position: ReturnType<EventQueueConsumer['position']>): string;
  handing?(events: QueuedEvent[]): QueuedEvent[];
  givingBack?(events: readonly UnacknowledgedEvent[]): readonly QueuedEvent[];
  storing?(text: string): string;
  registering?(record: MetadataRecord, consumer: SoundConsumer): MetadataRecord | undefined;
  /** Whether a queue may claim entries of another queue. */
  isFree?(): boolean;
  consumer?(consumer: SoundConsumer): Partial<SoundConsumer>;
  producer?(producer: SoundProducer, consumer: SoundConsumer): Partial<EventQueueProducer>;
  queue?(queue: SoundQueue): Partial<EventQueue>;
  keeps?: boolean;
  forgetsClaimed?: boolean;
  forgetsRecords?: boolean;
  capacity?: number;
}

/** Satisfies every clause. */
class SoundQueue implements EventQueue {
  readonly consumers: SoundConsumer[] = [];
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
    return this.isDead || this.consumers.every(({ isClosed }) => isClosed);
  }

  open(consumer: EventQueueConsumer): EventQueueProducer {
    const own = new SoundConsumer(this, consumer);
    Object.assign(own, this.faults.consumer?.(own));
    this.consumers.push(own);
    this.store.consumers.add(own);
    return new SoundProducer(own, this.faults.capacity ?? this.capacity);
  }

  async check(): Promise<void> {
    this.store.require();
  }
}

class SoundConsumer implements Backend {
  isStarted = false;
  isClosed = false;
  readonly inProgress = new Set<Promise<void>>();
  /** The rejected records, which are delivered again after closing. */
  readonly refused: KeptRecord[] = [];
  readonly key: string;

  constructor(
    readonly queue: SoundQueue,
    readonly consumer: EventQueueConsumer,
  ) {
    const { tracker, path } = consumer.position();
    this.key = queue.faults.keyOf?.(consumer.position()) ?? JSON.stringify([tracker, path]);
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    this.queue.store.require();
    const { path } = this.consumer.position();
    this.add(events.map((event) => ({ path, event })));
  }

  async register(record: MetadataRecord): Promise<void> {
    this.queue.store.require();
    this.queue.store.records.push({ key: this.key, record, isClaimed: false });
    this.pump();
  }

  add(events: readonly QueuedEvent[]): void {
    const { store, faults } = this.queue;
    for (const { path, event } of events) {
      const written = JSON.stringify(packEvent(event));
      const text = faults.storing?.(written) ?? written;
      store.entries.push({ key: this.key, path, text, owner: this.queue, isClaimed: false });
    }
    store.pump();
  }

  pump(): void {
    if (!this.isStarted || this.isClosed || this.queue.isDead) return;
    const { store, isShared, faults } = this.queue;
    for (const each of store.records) if (each.key === this.key) this.deliverRecord(each);
    const entries = store.entries.filter(
      ({ key, isClaimed, owner }) =>
        key === this.key &&
        !isClaimed &&
        (isShared || owner === this.queue || owner.isGone || faults.isFree?.() === true),
    );
    if (entries.length === 0) return;
    for (const entry of entries) entry.isClaimed = true;
    if (faults.forgetsClaimed === true) store.remove(entries);
    const delivery = this.consume(entries).finally(() => this.inProgress.delete(delivery));
    this.inProgress.add(delivery);
  }

  deliverRecord(kept: KeptRecord): void {
    if (kept.isClaimed) return;
    kept.isClaimed = true;
    const { registering, forgetsRecords } = this.queue.faults;
    const { store } = this.queue;
    const record = registering === undefined ? kept.record : registering(kept.record, this);
    if (record === undefined) return;
    const delivery = this.consumer
      .register(structuredClone(record))
      .then(
        () => true,
        () => forgetsRecords === true,
      )
      .then((isDone) => {
        if (isDone) store.records = store.records.filter((each) => each !== kept);
        else this.refused.push(kept);
      })
      .finally(() => this.inProgress.delete(delivery));
    this.inProgress.add(delivery);
  }

  async consume(entries: readonly Entry[]): Promise<void> {
    const { faults, store } = this.queue;
    const events = entries.map(({ path, text }) => ({
      path,
      event: unpackEvent(JSON.parse(text) as PackedEvent),
    }));
    const undelivered = await this.consumer
      .consume(faults.handing?.(events) ?? events, {
        keeps: faults.keeps ?? true,
        isFull: () => false,
      })
      .catch(() => this.survive());
    if (this.queue.isDead) return;
    store.remove(entries);
    this.add(faults.givingBack?.(undelivered) ?? undelivered);
  }

  survive(): readonly QueuedEvent[] {
    return [];
  }

  async drain(): Promise<void> {
    while (this.inProgress.size > 0) await Promise.all(this.inProgress);
  }

  async end({ signal }: Deadline): Promise<void> {
    this.isClosed = true;
    await untilAborted(this.drain(), signal);
    for (const kept of this.refused) kept.isClaimed = false;
    this.queue.store.pump();
  }
}

class SoundProducer extends DeliveringBackend implements EventQueueProducer {
  constructor(
    private readonly consumer: SoundConsumer,
    capacity: number,
  ) {
    const { send, sendBatch, register } = consumer;
    super(
      {
        send: send.bind(consumer),
        sendBatch: sendBatch.bind(consumer),
        register: register.bind(consumer),
      },
      {
        capacity,
        batchSize: Math.min(10, capacity),
        flushInterval: 0,
        retry: { maxDelay: 5, minDelay: 1 },
      },
    );
    Object.assign(this, consumer.queue.faults.producer?.(this, consumer));
  }

  start({ worker }: { worker: boolean }): void {
    if (!worker && this.consumer.queue.isShared) return;
    this.consumer.isStarted = true;
    this.consumer.pump();
  }

  override async flush(deadline: Deadline = {}): Promise<void> {
    await super.flush(deadline);
    if (!this.consumer.queue.isShared) await untilAborted(this.consumer.drain(), deadline.signal);
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.consumer.end(deadline);
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
      for (const entry of store.entries) entry.isClaimed = false;
    },
  };
}

describe.each<[string, QueueContractSubject]>([
  ['a queue per process', subjectOf('own')],
  ['a queue shared by processes', subjectOf('shared')],
  ['a queue that is lost with its process', subjectOf('passing')],
  ['a MemoryEventQueue', { create: () => new MemoryEventQueue() }],
])('queueContract for %s', (_, subject) => {
  for (const { name, run } of queueContract(subject)) it(name, run);
});

const never = (): Promise<never> => new Promise(() => {});
const NOT_DELIVERED = /events were sent but not delivered/;

interface Broken {
  readonly faults: Faults;
  readonly message: RegExp;
}

const replacing = (text: string | RegExp, by: string): Faults => ({
  storing: (stored) => stored.replaceAll(text, by),
});

const changing = (change: (event: TrackingEvent) => object): Faults => ({
  handing: (events) =>
    events.map(({ path, event }) => ({ path, event: { ...event, ...change(event) } })),
});

/** Faulty queues for each clause, with the messages that they must cause. */
const BROKEN: Record<string, readonly Broken[]> = {
  'delivers a metadata record unchanged to its own node': [
    {
      faults: { registering: () => undefined },
      message: /The metadata record was sent but not delivered/,
    },
    {
      faults: { registering: (record) => ({ ...record, timestamp: '' as never }) },
      message: /was not delivered as sent:\n {2}timestamp: expected/,
    },
    {
      faults: {
        registering(record, { queue }) {
          for (const { consumer } of queue.consumers) void consumer.register(record);
          return record;
        },
      },
      message: /also delivered to another node/,
    },
    {
      faults: { producer: () => ({ register: never }) },
      message: /register\(record\) did not settle/,
    },
  ],
  'redelivers a rejected metadata record through the next queue': [
    { faults: { forgetsRecords: true }, message: /was rejected but not delivered again/ },
    { faults: { registering: () => undefined }, message: /was sent but not delivered/ },
  ],
  'delivers the id, name, millisecond timestamp, context and data of an event': [
    {
      faults: replacing(/\.\d{3}Z/g, '.000Z'),
      message: /was not delivered as sent:\n {2}timestamp: expected \S+\.001Z, found \S+\.000Z/,
    },
    { faults: replacing('/courses/DemoX', '/'), message: /context\.path: expected/ },
    { faults: { handing: () => [] }, message: NOT_DELIVERED },
  ],
  'delivers nested data, lists and numbers unchanged': [
    {
      faults: replacing('9007199254740991', '9007199254740992'),
      message: /numbers\[6\]: expected 9007199254740991, found 9007199254740992/,
    },
  ],
  'delivers text in any script, including quotes and line breaks': [
    { faults: { storing: (text) => text.normalize('NFC') }, message: /greetings\[4\]/ },
  ],
  'delivers empty objects, empty lists, empty strings and nulls': [
    { faults: replacing('"nothing":null,', ''), message: /nothing: expected null, found nothing/ },
  ],
  'delivers keys with dots and dollar signs, and keys such as __proto__': [
    {
      faults: replacing('"course.id"', '"course_id"'),
      message: /\["course\.id"\]: expected "DemoX"/,
    },
    {
      faults: replacing(/,"__proto__":\{"polluted":true\}/g, ''),
      message: /__proto__: expected \{"polluted":true\}, found nothing/,
    },
  ],
  'delivers dates as dates, and lookalikes of dates unchanged': [
    {
      faults: changing(({ data }) => ({ data: { ...data, at: '1970-01-01T00:00:00.005Z' } })),
      message: /data\.at: expected 1970-01-01T00:00:00\.005Z, found "1970/,
    },
    {
      faults: changing(({ data }) => ({ data: { ...data, text: new Date(5) } })),
      message: /data\.text: expected "1970/,
    },
  ],
  'delivers all further properties of an event': [
    {
      faults: changing(() => ({ name_id: undefined })),
      message: /name_id: expected "a", found nothing/,
    },
  ],
  'neither modifies the events it receives nor sees later changes to them': [
    {
      faults: { producer: () => ({ send: (event) => void (event.data = {}) }) },
      message: /was changed by the queue:\n {2}data\.course: expected/,
    },
    {
      faults: {
        producer: (producer) => {
          const kept: TrackingEvent[] = [];
          return {
            send: (event) => void kept.push(event),
            async flush(deadline: Deadline) {
              for (const event of kept.splice(0)) {
                SoundProducer.prototype.send.call(producer, event);
              }
              await SoundProducer.prototype.flush.call(producer, deadline);
            },
          };
        },
      },
      message: /name: expected "contract\.event", found "contract\.changed_later"/,
    },
  ],
  'delivers each event once, even in large numbers': [
    {
      faults: { handing: (events) => [...events, events[0]!] },
      message: /was sent once but delivered 2 times/,
    },
    { faults: { handing: (events) => events.slice(0, 5) }, message: NOT_DELIVERED },
  ],
  'delivers the events of a node in the order in which they were sent': [
    {
      faults: { handing: (events) => events.toReversed() },
      message: /event \d+ was delivered as number 0/,
    },
  ],
  'serves several nodes and delivers each event to its own node': [
    { faults: { keyOf: ({ path }) => path }, message: NOT_DELIVERED },
    {
      faults: { keyOf: ({ tracker, path }) => tracker + path.replace(':', '_') },
      message: /sent to node 'a_b' but delivered to 'a:b'|not delivered/,
    },
    {
      faults: { handing: (events) => events.map(({ event }) => ({ path: 'node', event })) },
      message: /sent to node '' but delivered to 'node'/,
    },
  ],
  'keeps serving a node after other nodes are closed': [
    {
      faults: {
        producer: (_, { queue }) => ({
          async close(deadline) {
            await Promise.all(queue.consumers.map((consumer) => consumer.end(deadline)));
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'delivers nothing to a closed node while other nodes are open': [
    {
      faults: { consumer: () => ({ end: async () => {} }) },
      message: /not delivered|to a closed node/,
    },
  ],
  'delivers each event once when several queues run side by side': [
    { faults: { isFree: () => true }, message: NOT_DELIVERED },
  ],
  'delivers nothing before start(), and then the events sent before it': [
    { faults: { consumer: () => ({ isStarted: true }) }, message: /before the queue was started/ },
    {
      faults: {
        producer: (_, consumer) => ({
          start() {
            consumer.queue.store.entries = [];
            consumer.isStarted = true;
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'delivers nothing in a process that is not a worker and everything in a worker': [
    {
      faults: {
        producer: (_, consumer) => ({
          start() {
            consumer.isStarted = true;
            consumer.pump();
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'delivers the events of its own process whether or not it is a worker': [
    {
      faults: {
        producer: (_, consumer) => ({ start: ({ worker }) => void (consumer.isStarted = worker) }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'resolves check() while the queue is reachable': [
    {
      faults: { queue: () => ({ check: () => Promise.reject(new Error('NOAUTH')) }) },
      message: /check\(\) failed: Error: NOAUTH/,
    },
    {
      faults: { queue: () => ({ check: never }) },
      message: /check\(\) did not settle within 200 ms/,
    },
  ],
  'resolves flush() once all events sent before are consumed': [
    {
      faults: {
        producer: (producer) => ({
          flush: (deadline) => DeliveringBackend.prototype.flush.call(producer, deadline),
        }),
      },
      message: /flush\(\) resolved while a consumer was still busy/,
    },
  ],
  'resolves flush() once all events sent before are in the queue': [
    {
      faults: {
        consumer: () => ({ sendBatch: never }),
        producer: () => ({ flush: async () => {} }),
      },
      message: /flush\(\) did not settle|only 0 of 3 events were in the queue/,
    },
  ],
  'resolves flush() when nothing was sent': [
    {
      faults: {
        producer: (_, { queue }) => ({
          flush: async () => void (queue.store.entries.length === 0 && (await never())),
        }),
      },
      message: /flush\(\) did not settle within 200 ms/,
    },
  ],
  'settles flush() when its signal aborts, even while a consumer is busy': [
    {
      faults: { producer: () => ({ flush: never }) },
      message: /flush\(\) did not settle within 200 ms, although its signal aborted/,
    },
  ],
  'waits in close() for events that are being consumed': [
    {
      faults: { consumer: (consumer) => ({ end: async () => void (consumer.isClosed = true) }) },
      message: /close\(\) resolved while a consumer was still busy/,
    },
  ],
  'settles close() when its signal aborts and accounts for every event': [
    {
      faults: { producer: (_, consumer) => ({ close: () => consumer.end({}) }) },
      message: /close\(\) did not settle within 200 ms, although its signal aborted/,
    },
    {
      faults: {
        producer: (producer) => {
          const node = nodeOf(producer)!;
          const truth = node.stats.bind(node);
          node.stats = () =>
            Object.fromEntries(
              Object.entries(truth()).map(([path, stats]) => [path, { ...stats, delivered: 1 }]),
            );
          return {};
        },
      },
      message: /The stats do not account for 3 sent events/,
    },
  ],
  'delivers nothing after close() and counts later events as lost': [
    {
      faults: { producer: () => ({ close: async () => {} }) },
      message: /An event was delivered after close\(\)/,
    },
  ],
  'tolerates repeated calls of close()': [
    {
      faults: {
        consumer: (consumer) => ({
          async end() {
            if (consumer.isClosed) throw new Error('it is closed already');
            consumer.isClosed = true;
          },
        }),
      },
      message: /close\(\) failed: Error: it is closed already/,
    },
  ],
  'tolerates close() before anything was started or sent': [
    {
      faults: {
        consumer: (consumer) => ({
          end: async () => void (!consumer.isStarted && (await never())),
        }),
      },
      message: /close\(\) did not settle within 200 ms/,
    },
  ],
  'leaves undelivered events to the next queue when it is closed': [
    {
      faults: {
        producer: (producer, consumer) => ({
          async close() {
            await producer.stop({ signal: AbortSignal.abort() });
            await consumer.end({});
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'delivers all events before close() resolves': [
    {
      faults: {
        producer: (producer) => ({ close: () => producer.stop({ signal: AbortSignal.abort() }) }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'redelivers events returned during close() to the destinations that missed them': [
    {
      faults: { givingBack: () => [] },
      message: /The consumer returned .*; not all were redelivered, only /,
    },
    { faults: { keeps: false }, message: /did not pass `keeps: true` to the consumer/ },
    {
      faults: { givingBack: (events) => events.map(({ event }) => ({ path: 'node', event })) },
      message: /event 2 at 'node\.other'; not all were redelivered, only event 1 at 'node'/,
    },
    {
      faults: { givingBack: (events) => [...events, ...events] },
      message: /The consumer returned .*; the next queue delivered /,
    },
  ],
  'redelivers deferred events to their destination, once, while others are delivered': [
    {
      faults: { givingBack: (events) => events.filter(({ isDeferred }) => isDeferred !== true) },
      message: /20 of 40 deferred events were not delivered|40 of 40 deferred events were not/,
    },
    {
      faults: { givingBack: (events) => [...events, ...events] },
      message: /40 deferred events were delivered more than once/,
    },
  ],
  'keeps deferred events when it is closed before their destination gets them': [
    {
      faults: { givingBack: (events) => events.filter(({ isDeferred }) => isDeferred === true) },
      message: /20 of 20 deferred events were not delivered/,
    },
  ],
  'completes an aborted close() without losing events when it is called again': [
    {
      faults: {
        consumer: (consumer) => ({
          async end({ signal }) {
            consumer.isClosed = true;
            await untilAborted(consumer.drain(), signal);
            if (signal?.aborted === true) consumer.queue.isDead = true;
          },
        }),
      },
      message: /The consumer returned .*; not all were redelivered, only /,
    },
  ],
  'redelivers acknowledged events and events in progress after a crash': [
    { faults: { forgetsClaimed: true }, message: NOT_DELIVERED },
    {
      faults: { consumer: () => ({ sendBatch: never }) },
      message: /20 of 20 events were not acknowledged/,
    },
  ],
  'counts events beyond its capacity as overflow and delivers the rest': [
    { faults: { capacity: 1_000 }, message: /none was counted as overflow/ },
    {
      faults: { handing: (events) => events.slice(1) },
      message: /100 events were sent and 90 counted as overflow, but 9 were delivered/,
    },
  ],
  'keeps working after a consumer fails': [
    {
      faults: {
        consumer: (consumer) => ({
          survive() {
            consumer.isClosed = true;
            return [];
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
  'rejects check() during an outage, by its deadline, and resolves it afterwards': [
    {
      faults: { queue: () => ({ check: async () => {} }) },
      message: /check\(\) resolved although the queue was unreachable/,
    },
    {
      faults: {
        queue: ({ store }) => ({ check: async () => void (!store.isReachable && (await never())) }),
      },
      message: /check\(\) did not settle within 200 ms, although its signal aborted/,
    },
  ],
  'delivers events sent during an outage once it ends': [
    {
      faults: {
        consumer: (consumer) => ({
          async sendBatch(events) {
            if (consumer.queue.store.isReachable)
              await SoundConsumer.prototype.sendBatch.call(consumer, events);
          },
        }),
      },
      message: NOT_DELIVERED,
    },
  ],
};

const KINDS: readonly Kind[] = ['own', 'shared', 'passing'];

describe('queueContract', () => {
  it.each(
    Object.entries(BROKEN).flatMap(([name, broken]) => broken.map((each) => ({ name, ...each }))),
  )('reports a queue that violates "$name": $message', async ({ name, faults, message }) => {
    const cases = KINDS.flatMap((kind) => queueContract(subjectOf(kind, faults, 200)));
    const broken = cases.find((each) => each.name === name);
    await expect(broken?.run()).rejects.toThrow(message);
  });

  it('has a faulty example for each clause', () => {
    const names = new Set(
      KINDS.flatMap((kind) => queueContract(subjectOf(kind)).map(({ name }) => name)),
    );
    expect([...names].filter((name) => BROKEN[name] === undefined)).toEqual([]);
    expect(Object.keys(BROKEN).filter((name) => !names.has(name))).toEqual([]);
  });

  it('omits the clauses that a subject excludes', () => {
    const all = subjectOf('own');
    const namesOf = (subject: QueueContractSubject): string[] =>
      queueContract(subject).map(({ name }) => name);
    const without = (change: Partial<QueueContractSubject>): string[] => {
      const left = namesOf({ ...all, ...change });
      return namesOf(all).filter((name) => !left.includes(name));
    };
    expect(without({ keepsOrder: false })).toEqual([
      'delivers the events of a node in the order in which they were sent',
    ]);
    expect(without({ crash: undefined })).toEqual([
      'redelivers acknowledged events and events in progress after a crash',
    ]);
    expect(without({ createSmall: undefined })).toEqual([
      'counts events beyond its capacity as overflow and delivers the rest',
    ]);
    expect(without({ outage: undefined })).toEqual(
      namesOf(all).filter((name) => name.includes('outage')),
    );
  });

  it('ends the outage, closes its queues and cleans up after a violation', async () => {
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
    }).find(({ name }) => name.startsWith('rejects check()'));
    await expect(broken!.run()).rejects.toThrow('check() resolved although');
    expect(ended).toEqual(['reachable', 'closed', 'clean']);
  });
});
