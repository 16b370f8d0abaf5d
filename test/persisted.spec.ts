import { Test } from '@nestjs/testing';
import {
  AsyncRoutingBackend,
  DeliveringBackend,
  EventTrackingError,
  EventTrackingModule,
  MemoryBackend,
  MemoryEventQueue,
  NotPersistedError,
  PermanentDeliveryError,
  RetryableDeliveryError,
  RoutingBackend,
  Tracker,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { EventTrackingTestingModule } from 'nestjs-event-tracking/testing';
import { describe, expect, it, vi } from 'vitest';
import { deferred, type Deferred } from './support/deferred.js';

const logger = { warn() {}, error() {} };

const trackerOf = (backends: Record<string, Backend>): Tracker => new Tracker({ logger, backends });

/** A destination that answers when it is told to. */
class Gate implements Backend {
  readonly answers: Deferred<void>[] = [];

  async sendBatch(_events: readonly TrackingEvent[]): Promise<void> {
    const answer = deferred();
    this.answers.push(answer);
    await answer.promise;
  }

  send(event: TrackingEvent): Promise<void> {
    return this.sendBatch([event]);
  }
}

const down: Backend = {
  send() {},
  sendBatch: async () => {
    throw new RetryableDeliveryError('down');
  },
};

const refusing: Backend = {
  send() {},
  sendBatch: async () => {
    throw new PermanentDeliveryError('no');
  },
};

async function refusalOf(persisted: Promise<void>): Promise<NotPersistedError> {
  const error = await persisted.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NotPersistedError);
  return error as NotPersistedError;
}

async function stateOf(work: Promise<unknown>): Promise<string> {
  let state = 'pending';
  work.then(
    () => (state = 'resolved'),
    () => (state = 'rejected'),
  );
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return state;
}

describe('tracker.persisted()', () => {
  it('resolves when nothing was emitted', async () => {
    await trackerOf({ memory: new MemoryBackend() }).persisted();
  });

  it('resolves at once for a synchronous backend, for which it waits in no way', async () => {
    const memory = new MemoryBackend();
    const tracker = trackerOf({ memory });
    tracker.emit('order.paid');
    await tracker.persisted({ timeout: 0 });
    expect(memory.events).toHaveLength(1);
  });

  it('resolves when each of several backends has the events', async () => {
    const [plain, delivering] = [new Gate(), new Gate()];
    const tracker = trackerOf({
      plain: { send: (event) => plain.send(event) },
      nested: new RoutingBackend({ backends: { delivering: new DeliveringBackend(delivering) } }),
    });
    tracker.emit('order.paid');
    const persisted = tracker.persisted();
    await vi.waitFor(() => expect(delivering.answers).toHaveLength(1));
    plain.answers[0]!.resolve();
    expect(await stateOf(persisted)).toBe('pending');
    delivering.answers[0]!.resolve();
    await persisted;
  });

  it('does not wait for a batch to fill', async () => {
    const memory = new MemoryBackend();
    const tracker = trackerOf({
      memory: new DeliveringBackend(memory, { flushInterval: 600_000 }),
    });
    tracker.emit('order.paid');
    await tracker.persisted();
    expect(memory.events).toHaveLength(1);
  });

  it('delivers events that were emitted while the timers were fake', async () => {
    const memory = new MemoryBackend();
    const tracker = trackerOf({ memory: new DeliveringBackend(memory, { batchSize: 1 }) });
    vi.useFakeTimers();
    tracker.emit('order.paid');
    vi.useRealTimers();
    await tracker.persisted();
    expect(memory.events).toHaveLength(1);
  });

  it('does not wait for events that are emitted later', async () => {
    const gate = new Gate();
    const tracker = trackerOf({ gate: new DeliveringBackend(gate, { batchSize: 1 }) });
    tracker.emit('order.paid');
    const persisted = tracker.persisted();
    tracker.emit('order.shipped');
    await vi.waitFor(() => expect(gate.answers).toHaveLength(1));
    gate.answers[0]!.resolve();
    await persisted;
    expect(tracker.stats().backends['gate']).toMatchObject({ delivered: 1, pending: 1 });
  });

  it('does not end pauses between attempts, which would turn backoff into a storm', async () => {
    let attempts = 0;
    const tracker = trackerOf({
      crm: new DeliveringBackend(
        {
          async send() {
            attempts++;
            throw new RetryableDeliveryError('busy', { retryAfterMs: 60_000 });
          },
        },
        { flushInterval: 0 },
      ),
    });
    tracker.emit('order.paid');
    await vi.waitFor(() => expect(attempts).toBe(1));
    for (let call = 0; call < 10; call++) {
      await refusalOf(tracker.persisted({ timeout: 5 }));
    }
    expect(attempts).toBe(1);
  });

  it('rejects at its timeout with the path and number of pending events', async () => {
    const tracker = trackerOf({ crm: new DeliveringBackend(down), log: new MemoryBackend() });
    tracker.emit('order.paid');
    tracker.emit('order.paid');
    const error = await refusalOf(tracker.persisted({ timeout: 20 }));
    expect(error).toBeInstanceOf(EventTrackingError);
    expect(error.code).toBe('NOT_PERSISTED');
    expect(error.events).toEqual([{ path: 'crm', reason: 'pending', count: 2 }]);
    expect(error.message).toBe(
      `Not all events of the tracker 'default' are durable: 2 pending at 'crm'.`,
    );
  });

  it('rejects when its signal aborts, with the reason as the cause', async () => {
    const tracker = trackerOf({ crm: new DeliveringBackend(down) });
    tracker.emit('order.paid');
    const caller = new AbortController();
    const persisted = refusalOf(tracker.persisted({ signal: caller.signal }));
    caller.abort(new Error('the client is gone'));
    expect((await persisted).cause).toEqual(new Error('the client is gone'));
  });

  it('counts only events that were emitted before the call as pending', async () => {
    const tracker = trackerOf({ crm: new DeliveringBackend(new Gate(), { batchSize: 1 }) });
    tracker.emit('order.paid');
    const persisted = refusalOf(tracker.persisted({ timeout: 20 }));
    for (let count = 0; count < 5; count++) tracker.emit('order.shipped');
    expect((await persisted).events).toEqual([{ path: 'crm', reason: 'pending', count: 1 }]);
  });

  it.each<[string, Record<string, Backend>, object]>([
    [
      'a destination refused',
      { crm: new DeliveringBackend(refusing) },
      { path: 'crm', reason: 'rejected', count: 1 },
    ],
    [
      'a destination behind a memory queue refused',
      {
        node: new AsyncRoutingBackend({
          queue: new MemoryEventQueue(),
          backends: { crm: new DeliveringBackend(refusing) },
        }),
      },
      { path: 'node.crm', reason: 'rejected', count: 1 },
    ],
    [
      'a backend without delivery failed at',
      { crm: { send: () => Promise.reject(new Error('no')) } },
      { path: 'crm', reason: 'failed', count: 1 },
    ],
    [
      'a synchronous backend threw at',
      {
        crm: {
          send() {
            throw new Error('no');
          },
        },
      },
      { path: 'crm', reason: 'failed', count: 1 },
    ],
    [
      'a filter failed at',
      {
        node: new RoutingBackend({
          processors: [
            {
              filter() {
                throw new Error('broken');
              },
            },
          ],
        }),
      },
      { path: 'node', reason: 'filter_failed', count: 1 },
    ],
  ])('rejects for an event that %s', async (_, backends, lost) => {
    const tracker = trackerOf(backends);
    tracker.emit('order.paid');
    expect((await refusalOf(tracker.persisted())).events).toEqual([lost]);
  });

  it('resolves for events that a filter dropped', async () => {
    const tracker = new Tracker({ logger, processors: [{ filter: () => false }] });
    tracker.emit('order.paid');
    await tracker.persisted();
  });

  it('resolves for events that were stored as dead letters', async () => {
    const letters = new MemoryBackend();
    const tracker = trackerOf({
      crm: new DeliveringBackend(refusing, { deadLetter: letters }),
    });
    tracker.emit('order.paid');
    await tracker.persisted();
    expect(letters.events).toHaveLength(1);
  });

  it('rejects while a dead letter cannot be stored', async () => {
    const tracker = trackerOf({
      crm: new DeliveringBackend(refusing, {
        deadLetter: new DeliveringBackend(down),
      }),
    });
    tracker.emit('order.paid');
    const { events } = await refusalOf(tracker.persisted({ timeout: 50 }));
    expect(events).toEqual([{ path: 'crm', reason: 'pending', count: 1 }]);
  });

  it('rejects for an event that did not fit, also if that was before the call', async () => {
    const gate = new Gate();
    const tracker = trackerOf({ crm: new DeliveringBackend(gate, { capacity: 1 }) });
    tracker.emit('order.paid');
    tracker.emit('order.shipped');
    const persisted = refusalOf(tracker.persisted());
    await vi.waitFor(() => expect(gate.answers).toHaveLength(1));
    gate.answers[0]!.resolve();
    expect((await persisted).events).toEqual([{ path: 'crm', reason: 'overflow', count: 1 }]);
  });

  it('resolves although events that were emitted later did not fit', async () => {
    const gate = new Gate();
    const tracker = trackerOf({ crm: new DeliveringBackend(gate, { capacity: 1 }) });
    tracker.emit('order.paid');
    const persisted = tracker.persisted();
    tracker.emit('order.shipped');
    await vi.waitFor(() => expect(gate.answers).toHaveLength(1));
    gate.answers[0]!.resolve();
    await persisted;
  });

  it('rejects for an event that makes room for a later one while it waits', async () => {
    const gate = new Gate();
    const delivery = { capacity: 2, batchSize: 1, overflow: 'drop-oldest' } as const;
    const tracker = trackerOf({ crm: new DeliveringBackend(gate, delivery) });
    tracker.emit('order.paid');
    await vi.waitFor(() => expect(gate.answers).toHaveLength(1));
    tracker.emit('order.packed');
    const persisted = refusalOf(tracker.persisted());
    tracker.emit('order.shipped');
    gate.answers[0]!.resolve();
    expect((await persisted).events).toEqual([{ path: 'crm', reason: 'overflow', count: 1 }]);
  });

  it('rejects for an event that was emitted after closing', async () => {
    const tracker = trackerOf({ memory: new MemoryBackend() });
    await tracker.close();
    tracker.emit('order.paid');
    const { events, message } = await refusalOf(tracker.persisted());
    expect(events).toEqual([{ path: '', reason: 'closed', count: 1 }]);
    expect(message).toContain('1 closed at the tracker itself');
  });

  it('reports a loss to the next call outside a request, and to no further one', async () => {
    let isDown = true;
    const tracker = trackerOf({
      crm: {
        send() {
          if (isDown) throw new Error('no');
        },
      },
    });
    tracker.emit('order.paid');
    await refusalOf(tracker.persisted());
    isDown = false;
    tracker.emit('order.paid');
    await tracker.persisted();
  });

  it('reports a loss again after a call that gave up too early', async () => {
    const gate = new Gate();
    const tracker = trackerOf({ crm: { send: (event) => gate.send(event) } });
    tracker.emit('order.paid');
    await refusalOf(tracker.persisted({ timeout: 5 }));
    gate.answers[0]!.reject(new Error('no'));
    const { events } = await refusalOf(tracker.persisted());
    expect(events).toEqual([{ path: 'crm', reason: 'failed', count: 1 }]);
  });

  it('reports losses to the block during which they happened, however often it asks', async () => {
    const tracker = trackerOf({
      crm: {
        send(event) {
          if (event.name === 'order.lost') throw new Error('no');
        },
      },
    });
    await tracker.context('message', {}, async () => {
      tracker.emit('order.lost');
      await tracker.context('message', {}, async () => {
        await tracker.persisted().catch(() => {});
      });
      await refusalOf(tracker.persisted());
    });
    await tracker.context('message', {}, async () => {
      tracker.emit('order.paid');
      await tracker.persisted();
    });
  });

  it('remembers losses within bounds, and reports too many rather than too few', async () => {
    const tracker = trackerOf({
      crm: {
        send() {
          throw new Error('no');
        },
      },
    });
    await tracker.context('message', {}, async () => {
      for (let count = 0; count < 3_000; count++) {
        tracker.emit('order.paid');
        if (count % 2 === 0) await tracker.persisted().catch(() => {});
      }
      const { events } = await refusalOf(tracker.persisted());
      expect(events).toEqual([{ path: 'crm', reason: 'failed', count: 3_000 }]);
    });
  });

  it.each([
    ['an unknown option', { wait: 3 }, /wait/],
    ['a timeout that is no number', { timeout: '1s' }, /timeout must be a number of milliseconds/],
    ['a negative timeout', { timeout: -1 }, /timeout must be a number of milliseconds/],
  ])('rejects %s', async (_, options, message) => {
    const tracker = trackerOf({});
    await expect(tracker.persisted(options as never)).rejects.toThrow(message);
  });

  it('lets many callers share one signal without a warning', async () => {
    const warned: Error[] = [];
    const warn = (warning: Error): void => void warned.push(warning);
    process.on('warning', warn);
    const gate = new Gate();
    const tracker = trackerOf({ crm: new DeliveringBackend(gate) });
    tracker.emit('order.paid');
    const { signal } = new AbortController();
    const calls = Array.from({ length: 100 }, () => tracker.persisted({ signal }));
    await vi.waitFor(() => expect(gate.answers).toHaveLength(1));
    gate.answers[0]!.resolve();
    await Promise.all(calls);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(warned).toEqual([]);
  });
});

describe('tracker.persisted() in Nest', () => {
  it('waits for events that were emitted before the tree was complete', async () => {
    const memory = new MemoryBackend();
    const early: Promise<void>[] = [];
    const moduleRef = await Test.createTestingModule({
      imports: [
        EventTrackingModule.forRoot({
          backends: {
            memory: {
              inject: [Tracker],
              useFactory: (tracker: Tracker) => {
                tracker.emit('application.starting');
                early.push(tracker.persisted());
                return memory;
              },
            },
          },
        }),
      ],
    }).compile();
    await Promise.all(early);
    expect(memory.events.map(({ name }) => name)).toEqual(['application.starting']);
    await moduleRef.close();
  });

  it('resolves at once in a disabled module', async () => {
    const moduleRef = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot({ enabled: false, backends: { down } })],
    }).compile();
    const tracker = moduleRef.get(Tracker);
    tracker.emit('order.paid');
    await tracker.persisted({ timeout: 0 });
    await moduleRef.close();
  });

  it('resolves in the testing module', async () => {
    const moduleRef = await Test.createTestingModule({
      imports: [EventTrackingTestingModule.forRoot()],
    }).compile();
    const tracker = moduleRef.get(Tracker);
    tracker.emit('order.paid');
    await tracker.persisted();
    await moduleRef.close();
  });
});
