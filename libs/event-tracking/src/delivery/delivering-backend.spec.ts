import { AsyncLocalStorage } from 'node:async_hooks';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventStats } from '../core/tree/event-stats.js';
import type { Backend, Outcome } from '../core/tree/backend.js';
import {
  NoBackendEnabled,
  PermanentDeliveryError,
  RetryableDeliveryError,
} from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { Tracker } from '../core/tracker/tracker.js';
import type { DeadLetter } from './dead-letter.js';
import { NODE } from '../core/tree/tree-node.js';
import { DeliveringBackend } from './delivering-backend.js';
import type { DeliveryOptions } from './delivery-options.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

/** A destination with scripted answers, one per call; without a script, it accepts all events. */
class Destination implements Backend {
  readonly calls: string[][] = [];
  readonly stored: TrackingEvent[] = [];
  readonly signals: AbortSignal[] = [];
  readonly closed = vi.fn<() => void>();

  constructor(
    private readonly answer: (
      call: number,
      events: readonly TrackingEvent[],
    ) => Promise<void | readonly Outcome[]> | void = () => {},
  ) {}

  send(): void {
    throw new Error('a destination with sendBatch is sent batches');
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal: AbortSignal },
  ): Promise<void | readonly Outcome[]> {
    this.calls.push(events.map(({ name }) => name));
    this.signals.push(signal);
    const outcomes = await this.answer(this.calls.length, events);
    this.stored.push(...events.filter((_, index) => outcomes?.[index]?.ok ?? true));
    return outcomes;
  }

  async close(): Promise<void> {
    this.closed();
  }

  get names(): string[] {
    return this.stored.map(({ name }) => name);
  }
}

function tracked(destination: Backend, options: DeliveryOptions = {}) {
  const tracker = new Tracker({
    backends: { crm: new DeliveringBackend(destination, options) },
    logger: log,
  });
  const account = (): EventStats => tracker.stats().backends['crm']!;
  const emit = (count: number, from = 0): void => {
    for (let index = from; index < from + count; index++) tracker.emit(`e${index}`);
  };
  return { tracker, account, emit };
}

function balance({ arrived, delivered, filtered, dropped, dead, pending }: EventStats): number {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return arrived - delivered - filtered - lost - dead - pending;
}

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `e${from + index}`);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('DeliveringBackend', () => {
  it('sends a batch as soon as it is full, but not inside emit', async () => {
    const destination = new Destination();
    const { emit } = tracked(destination, { batchSize: 3 });
    emit(4);
    expect(destination.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(destination.calls).toEqual([['e0', 'e1', 'e2']]);
  });

  it('sends a partial batch after the flush interval', async () => {
    const destination = new Destination();
    const { emit } = tracked(destination, { batchSize: 3, flushInterval: 200 });
    emit(2);
    await vi.advanceTimersByTimeAsync(199);
    expect(destination.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(destination.calls).toEqual([['e0', 'e1']]);
  });

  it('delays no event longer than the flush interval', async () => {
    const destination = new Destination();
    const { emit } = tracked(destination, { batchSize: 3, flushInterval: 200 });
    emit(4);
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(201);
    expect(destination.calls).toEqual([['e0', 'e1', 'e2'], ['e3']]);
    emit(1, 4);
    await vi.advanceTimersByTimeAsync(202);
    expect(destination.calls.at(-1)).toEqual(['e4']);
  });

  it('sends as many batches concurrently as the option concurrency allows', async () => {
    const ends: (() => void)[] = [];
    const destination = new Destination(() => new Promise<void>((resolve) => ends.push(resolve)));
    const { emit } = tracked(destination, { batchSize: 1, concurrency: 2 });
    emit(4);
    await vi.advanceTimersByTimeAsync(0);
    expect(destination.calls).toHaveLength(2);
    ends[0]!();
    await vi.advanceTimersByTimeAsync(0);
    expect(destination.calls).toHaveLength(3);
  });

  it('keeps the order of events with a concurrency of one, even after failures', async () => {
    const destination = new Destination((call) => {
      if (call % 2 === 1) throw new RetryableDeliveryError('busy');
    });
    const { emit, tracker } = tracked(destination, { batchSize: 2 });
    emit(7);
    const flushed = tracker.flush();
    await vi.runAllTimersAsync();
    await flushed;
    expect(destination.names).toEqual(numbered(7));
  });

  it('sends events one by one to a backend without sendBatch', async () => {
    const sent: string[] = [];
    const { emit, tracker, account } = tracked({ send: ({ name }) => void sent.push(name) });
    emit(250);
    const flushed = tracker.flush();
    await vi.runAllTimersAsync();
    await flushed;
    expect(sent).toEqual(numbered(250));
    expect(account()).toMatchObject({ arrived: 250, delivered: 250, pending: 0 });
  });

  it('runs the destination outside the context of the emitting code', async () => {
    vi.useRealTimers(); // fake timers would run in the context of the test
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const destination = new Destination(() => void seen.push(storage.getStore()));
    const { tracker, emit } = tracked(destination, { batchSize: 2, flushInterval: 1 });
    storage.run('filling a batch', () => emit(2));
    await vi.waitUntil(() => seen.length === 1);
    storage.run('waiting for the interval', () => emit(1));
    await vi.waitUntil(() => seen.length === 2);
    await storage.run('flushing', async () => {
      emit(1);
      await tracker.flush();
    });
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it('delivers each event as it was emitted, despite later changes', async () => {
    const destination = new Destination();
    const { tracker } = tracked(destination);
    const data = { price: 1 };
    tracker.emit('sold', data);
    data.price = 2;
    await vi.advanceTimersByTimeAsync(1_001);
    expect(destination.stored[0]!.data).toEqual({ price: 1 });
  });
});

describe('DeliveringBackend after a failure', () => {
  const retry = { minDelay: 100, maxDelay: 1_000 };

  it('retries after delays that double up to the maximum, with full jitter', async () => {
    const destination = new Destination((call) => {
      if (call < 7) throw new RetryableDeliveryError('busy');
    });
    const { emit, account } = tracked(destination, { batchSize: 1, retry });
    const pauses: number[] = [];
    emit(1);
    await vi.advanceTimersByTimeAsync(0);
    while (destination.calls.length < 7) {
      const before = destination.calls.length;
      const start = Date.now();
      while (destination.calls.length === before) await vi.advanceTimersByTimeAsync(1);
      pauses.push(Date.now() - start);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(account()).toMatchObject({ delivered: 1, retried: 6, pending: 0 });
    vi.mocked(Math.random).mockReturnValue(0);
    const impatient = tracked(new Destination(fail(3, new Error('?'))), { batchSize: 1, retry });
    impatient.emit(1);
    await vi.advanceTimersByTimeAsync(3);
    expect(impatient.account().delivered).toBe(1);
  });

  it('gives up a single event that fails for unknown reasons after ten attempts', async () => {
    const destination = new Destination(fail(Infinity, new TypeError('no such method')));
    const { emit, account } = tracked(destination, { batchSize: 2, retry });
    emit(2);
    await vi.runAllTimersAsync();
    expect(destination.calls).toEqual([
      numbered(2),
      ...Array(10).fill(['e0']),
      ...Array(10).fill(['e1']),
    ]);
    expect(account()).toMatchObject({ dropped: { exhausted: 2 }, retried: 20, pending: 0 });
    expect(log.error).toHaveBeenCalledWith(
      expect.stringMatching(/'e0'.*'crm'.*attempts: 11.*no such method.*Dropped/),
    );
  });

  it('does not give up while failures are retryable', async () => {
    let up = false;
    const destination = new Destination(() => {
      if (!up) throw new RetryableDeliveryError('maintenance');
    });
    const { emit, account } = tracked(destination, { batchSize: 2 });
    emit(5_000);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(account()).toMatchObject({ arrived: 5_000, pending: 5_000, dropped: {} });
    up = true;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(account()).toMatchObject({ delivered: 5_000, pending: 0 });
    expect(destination.names).toEqual(numbered(5_000));
  });

  it('makes the configured number of attempts', async () => {
    const destination = new Destination(fail(Infinity, new RetryableDeliveryError('busy')));
    const { emit, account } = tracked(destination, { batchSize: 1, retry: { attempts: 3 } });
    emit(1);
    await vi.runAllTimersAsync();
    expect(destination.calls).toHaveLength(3);
    expect(account().dropped).toEqual({ exhausted: 1 });
  });

  it('makes one attempt with retry: false', async () => {
    const destination = new Destination(fail(Infinity, new RetryableDeliveryError('busy')));
    const { emit, account } = tracked(destination, { batchSize: 1, retry: false });
    emit(1);
    await vi.runAllTimersAsync();
    expect(destination.calls).toHaveLength(1);
    expect(account().dropped).toEqual({ exhausted: 1 });
  });

  it('waits for the duration of Retry-After unless it is flushed', async () => {
    const destination = new Destination((call) => {
      if (call <= 2) throw new RetryableDeliveryError('slow down', { retryAfterMs: 60_000 });
    });
    const { emit, tracker } = tracked(destination, { batchSize: 1 });
    emit(1);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(destination.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(destination.calls).toHaveLength(2);
    void tracker.flush();
    await vi.advanceTimersByTimeAsync(0);
    expect(destination.names).toEqual(['e0']);
  });

  it('waits for at most five minutes, and logs that it shortens a longer Retry-After', async () => {
    const destination = new Destination((call) => {
      if (call === 1) throw new RetryableDeliveryError('429', { retryAfterMs: 1e15 });
    });
    const { emit } = tracked(destination, { batchSize: 1 });
    emit(1);
    await vi.advanceTimersByTimeAsync(299_999);
    expect(destination.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(destination.names).toEqual(['e0']);
    expect(log.warn).toHaveBeenCalledWith(expect.stringMatching(/in 300000 ms .*maxRetryAfter/));
  });

  it('waits for the duration of Retry-After after any number of failures', async () => {
    const retryAfterMs = 60_000;
    const destination = new Destination((call) => {
      const options = call > 1_025 ? { retryAfterMs } : {};
      throw new RetryableDeliveryError('busy', options);
    });
    const { emit } = tracked(destination, { batchSize: 1, retry: { minDelay: 0, maxDelay: 0 } });
    emit(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(destination.calls).toHaveLength(1_026);
  });

  it('ends a pause when it is flushed', async () => {
    const destination = new Destination(fail(1, new RetryableDeliveryError('busy')));
    const { emit, tracker } = tracked(destination, { batchSize: 1, retry: { minDelay: 30_000 } });
    emit(1);
    await vi.advanceTimersByTimeAsync(0);
    const flushed = tracker.flush();
    await vi.advanceTimersByTimeAsync(1);
    await flushed;
    expect(destination.names).toEqual(['e0']);
  });

  it('aborts an attempt after the timeout, and retries', async () => {
    const destination = new Destination((call) =>
      call === 1 ? new Promise<void>(() => {}) : undefined,
    );
    const { emit, account } = tracked(destination, { batchSize: 1, timeout: 5_000, retry });
    emit(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(destination.signals[0]!.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(100);
    expect(account()).toMatchObject({ delivered: 1, retried: 1 });
    expect(log.warn).toHaveBeenCalledWith(expect.stringMatching(/did not answer within 5000 ms/));
  });

  it('retries only the failed events of a batch', async () => {
    const destination = new Destination(async (call, events) =>
      events.map(({ name }): Outcome => {
        if (name === 'e1' && call === 1) return { ok: false, error: 'busy', retryable: true };
        if (name === 'e2') return { ok: false, error: 'malformed', retryable: false };
        if (name === 'e3') return { ok: false, error: new NoBackendEnabled(), retryable: false };
        return { ok: true };
      }),
    );
    const { emit, account } = tracked(destination, { batchSize: 4, retry });
    emit(4);
    await vi.runAllTimersAsync();
    expect(destination.calls).toEqual([['e0', 'e1', 'e2', 'e3'], ['e1']]);
    expect(account()).toMatchObject({
      delivered: 2,
      filtered: 1,
      dropped: { rejected: 1 },
      retried: 1,
    });
  });

  it('isolates the rejected events of a batch that fails as a whole', async () => {
    const destination = new Destination((_, events) => {
      if (events.some(({ name }) => name === 'e3' || name === 'e70')) {
        throw new PermanentDeliveryError('400 Bad Request');
      }
    });
    const { emit, account } = tracked(destination, { batchSize: 100 });
    emit(100);
    await vi.runAllTimersAsync();
    expect(account()).toMatchObject({ delivered: 98, dropped: { rejected: 2 }, pending: 0 });
    expect(destination.names).toEqual(numbered(100).filter((n) => n !== 'e3' && n !== 'e70'));
    expect(destination.calls.length).toBeLessThan(30);
  });

  it('treats invalid outcomes as a failure of unknown cause', async () => {
    const destination = new Destination(async () => [{ ok: true }]);
    const { emit, account } = tracked(destination, { batchSize: 2, retry: { attempts: 1 } });
    emit(2);
    await vi.runAllTimersAsync();
    expect(account().dropped).toEqual({ exhausted: 2 });
    expect(log.error).toHaveBeenCalledWith(expect.stringMatching(/one outcome for each of the 2/));
  });

  it('retries only the events of a batch whose outcome is missing', async () => {
    const destination = new Destination(async (call, events) => {
      const outcomes: Outcome[] = [];
      outcomes.length = events.length;
      if (call === 1) outcomes[0] = { ok: true };
      else outcomes.fill({ ok: true });
      return outcomes;
    });
    const { emit, account } = tracked(destination, { batchSize: 3 });
    emit(3);
    await vi.runAllTimersAsync();
    expect(destination.calls).toEqual([numbered(3), numbered(2, 1)]);
    expect(account()).toMatchObject({ delivered: 3, retried: 2, pending: 0 });
  });

  it('counts the events of a batch correctly if the destination changes the list', async () => {
    const destination: Backend = {
      send() {},
      async sendBatch(events) {
        return (events as TrackingEvent[]).splice(0).map(() => ({ ok: true }));
      },
    };
    const { emit, account } = tracked(destination, { batchSize: 3 });
    emit(3);
    await vi.runAllTimersAsync();
    expect(account()).toMatchObject({ delivered: 3, retried: 0 });
  });

  it('uses its usual delay if the requested pause is not a number', async () => {
    const destination = new Destination((call) => {
      if (call < 4) throw new RetryableDeliveryError('busy', { retryAfterMs: Number('soon') });
    });
    const { emit } = tracked(destination, { batchSize: 1 });
    emit(1);
    await vi.advanceTimersByTimeAsync(500 + 1_000 + 2_000 - 1);
    expect(destination.calls).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(2);
    expect(destination.calls).toHaveLength(4);
  });

  it('handles synchronous exceptions and late rejections', async () => {
    const thrower = tracked(
      {
        send() {
          throw new Error('synchronously');
        },
      },
      { retry: false },
    );
    thrower.emit(1);
    const late = tracked(
      new Destination(() => new Promise((_, reject) => setTimeout(() => reject(new Error()), 99))),
      { timeout: 10, retry: false, batchSize: 1 },
    );
    late.emit(1);
    await vi.runAllTimersAsync();
    expect(thrower.account().dropped).toEqual({ exhausted: 1 });
    expect(late.account().dropped).toEqual({ exhausted: 1 });
  });
});

describe('DeliveringBackend during an outage', () => {
  const refused = () => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

  it.each([
    ['does not answer', (): Promise<void> => new Promise(() => {})],
    ['refuses connections', (): Promise<void> => Promise.reject(refused())],
    ['fails to be fetched', () => Promise.reject(new TypeError('fetch', { cause: refused() }))],
    ['refuses every address', () => Promise.reject(new AggregateError([refused()]))],
    ['breaks off', () => Promise.reject(new DOMException('The operation', 'AbortError'))],
  ])('keeps all events that fit for an hour in which the destination %s', async (_, answer) => {
    let isUp = false;
    const destination = new Destination(() => (isUp ? undefined : answer()));
    const { emit, account } = tracked(destination);
    emit(10_000);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(account()).toMatchObject({ arrived: 10_000, pending: 10_000, dropped: {} });
    isUp = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(account()).toMatchObject({ delivered: 10_000, pending: 0 });
  });

  it('counts retryable and unknown errors against separate limits', async () => {
    const destination = new Destination((call) => {
      if (call <= 12 || (call > 21 && call <= 33)) throw new RetryableDeliveryError('503');
      if (call <= 42) throw new Error('socket hang up');
    });
    const { emit, account } = tracked(destination, { batchSize: 1 });
    emit(1);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(destination.calls).toHaveLength(43);
    expect(account()).toMatchObject({ delivered: 1, dropped: {} });
  });

  it('isolates the event that causes an unknown error', async () => {
    const destination = new Destination((_, events) => {
      if (events.some(({ name }) => name === 'e42')) throw new TypeError('cannot read');
    });
    const { emit, account } = tracked(destination);
    emit(100);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(account()).toMatchObject({ delivered: 99, dropped: { exhausted: 1 }, pending: 0 });
  });

  it('gives up events that are older than retry.maxAge when an attempt fails', async () => {
    const destination = new Destination(() => Promise.reject(refused()));
    const { emit, account } = tracked(destination, { retry: { maxAge: 600_000 } });
    emit(100);
    await vi.advanceTimersByTimeAsync(599_999);
    expect(account()).toMatchObject({ pending: 100, dropped: {} });
    vi.setSystemTime(0); // a change of the wall clock has no effect
    await vi.advanceTimersByTimeAsync(1);
    expect(account()).toMatchObject({ pending: 0, dropped: { exhausted: 100 } });
  });
});

describe('A full DeliveringBackend', () => {
  const hanging = (): Destination => new Destination(() => new Promise<void>(() => {}));

  it('drops the newest events, and counts events in flight as part of its capacity', async () => {
    const { emit, account } = tracked(hanging(), { capacity: 5, batchSize: 2 });
    emit(3);
    await vi.advanceTimersByTimeAsync(0);
    emit(4, 3);
    expect(account()).toMatchObject({ arrived: 7, pending: 5, dropped: { overflow: 2 } });
  });

  it('drops the oldest waiting events with the policy drop-oldest', async () => {
    let up = false;
    const destination = new Destination(() => {
      if (!up) throw new RetryableDeliveryError('down');
    });
    const { emit, account } = tracked(destination, {
      capacity: 4,
      batchSize: 2,
      overflow: 'drop-oldest',
    });
    emit(2);
    await vi.advanceTimersByTimeAsync(0);
    emit(5, 2);
    expect(account()).toMatchObject({ arrived: 7, pending: 4, dropped: { overflow: 3 } });
    up = true;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(destination.names).toEqual(['e0', 'e1', 'e5', 'e6']);
  });

  it('drops a new event if all others are in flight', async () => {
    const { emit, account } = tracked(hanging(), {
      capacity: 2,
      batchSize: 2,
      overflow: 'drop-oldest',
    });
    emit(2);
    await vi.advanceTimersByTimeAsync(0);
    emit(1, 2);
    expect(account()).toMatchObject({ pending: 2, dropped: { overflow: 1 } });
  });

  it('holds at most maxBytes', () => {
    const { tracker, account } = tracked(hanging(), { maxBytes: 100_000 });
    for (let index = 0; index < 20; index++) tracker.emit('large', { text: 'x'.repeat(10_000) });
    expect(account().pending).toBe(9);
    expect(account().dropped).toEqual({ overflow: 11 });
  });

  it('measures events again after a processor has enlarged them', () => {
    const tracker = new Tracker({
      backends: { crm: new DeliveringBackend(hanging(), { maxBytes: 100_000 }) },
      processors: [(event) => void (event.data['text'] = 'x'.repeat(60_000))],
      logger: log,
    });
    tracker.emit('grown');
    tracker.emit('grown');
    expect(tracker.stats().backends['crm']).toMatchObject({ pending: 1 });
  });

  it('drops no waiting events for a new event that would not fit without them', async () => {
    const destination = new Destination(() => new Promise(() => {}));
    const bounds = { overflow: 'drop-oldest', maxBytes: 10_000, batchSize: 1 } as const;
    const { tracker, emit, account } = tracked(destination, bounds);
    tracker.emit('under way', { text: 'x'.repeat(7_000) });
    await vi.advanceTimersByTimeAsync(1);
    emit(4);
    tracker.emit('too large', { text: 'x'.repeat(7_000) });
    tracker.emit('larger than all', { text: 'x'.repeat(20_000) });
    expect(account()).toMatchObject({ pending: 5, dropped: { overflow: 2 } });
  });

  it('logs the number of dropped events once a second', async () => {
    const { emit } = tracked(hanging(), { capacity: 10, batchSize: 10 });
    emit(1_010);
    expect(log.error).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log.error.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^1000 events dropped before the backend 'crm'.*10 of 10 \(capacity\)/,
        ),
      ],
    ]);
  });

  it('sends a partial batch at once if room is needed', async () => {
    const destination = new Destination();
    const { tracker } = tracked(destination, { maxBytes: 50_000, flushInterval: 60_000 });
    for (let index = 0; index < 6; index++) tracker.emit('large', { text: 'x'.repeat(10_000) });
    await vi.advanceTimersByTimeAsync(0);
    expect(destination.stored).toHaveLength(4);
  });
});

describe('DeliveringBackend with a dead-letter destination', () => {
  it('stores events that it gives up, with tracker, path, reason, error, attempts and time', async () => {
    const letters: DeadLetter[] = [];
    const destination = new Destination((_, events) => {
      throw events[0]!.name === 'e0'
        ? new PermanentDeliveryError('400')
        : new RetryableDeliveryError('503');
    });
    const { emit, account, tracker } = tracked(destination, {
      batchSize: 1,
      retry: { attempts: 2 },
      deadLetter: { send: (event) => void letters.push(event as DeadLetter) },
    });
    tracker.context({ user_id: 7 }, () => emit(2));
    await vi.runAllTimersAsync();

    expect(
      letters.map(({ name, context, dead_letter }) => ({ name, context, dead_letter })),
    ).toEqual([
      {
        name: 'e0',
        context: { user_id: 7 },
        dead_letter: {
          tracker: 'default',
          path: 'crm',
          reason: 'rejected',
          error: 'PermanentDeliveryError: 400',
          attempts: 1,
          time: expect.any(Date),
        },
      },
      {
        name: 'e1',
        context: { user_id: 7 },
        dead_letter: expect.objectContaining({ reason: 'exhausted', attempts: 2 }),
      },
    ]);
    expect(account()).toMatchObject({ arrived: 2, dead: 2, dropped: {}, pending: 0 });
  });

  it('includes attempts that failed as a whole batch in the count of attempts', async () => {
    const letters: TrackingEvent[] = [];
    const destination = new Destination(() => {
      throw new PermanentDeliveryError('400 Bad Request');
    });
    const deadLetter: Backend = { send: (letter) => void letters.push(letter) };
    const { emit } = tracked(destination, { batchSize: 2, deadLetter });
    emit(2);
    await vi.runAllTimersAsync();
    expect(destination.calls).toEqual([['e0', 'e1'], ['e0'], ['e1']]);
    expect(letters).toMatchObject(Array(2).fill({ dead_letter: { attempts: 2 } }));
  });

  it('flushes and closes the dead-letter destination even if the destination fails to', async () => {
    const deadLetter = {
      send() {},
      flush: vi.fn<() => Promise<void>>(),
      close: vi.fn<() => Promise<void>>(),
    };
    const fail = (): never => {
      throw new Error('cannot');
    };
    const backend = new DeliveringBackend({ send() {}, flush: fail, close: fail }, { deadLetter });
    await expect(backend.flush()).rejects.toThrow('cannot');
    expect(deadLetter.flush).toHaveBeenCalledOnce();
    await expect(backend.close()).rejects.toThrow('cannot');
    expect(deadLetter.close).toHaveBeenCalledOnce();
  });

  it('keeps an event pending until its dead letter is stored, and logs failures to store it', async () => {
    let isFull = true;
    const letters: TrackingEvent[] = [];
    const { emit, tracker, account } = tracked(
      new Destination(fail(Infinity, new PermanentDeliveryError('no'))),
      {
        batchSize: 1,
        deadLetter: {
          send(letter) {
            if (isFull) throw new Error('disk full');
            letters.push(letter);
          },
        },
      },
    );
    emit(1);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(account()).toMatchObject({ pending: 1, dead: 0, dropped: {} });
    expect(Object.keys(tracker.stats().backends)).toEqual(['', 'crm', 'crm.deadLetter']);
    expect(tracker.stats().backends['crm.deadLetter']).toMatchObject({ arrived: 1, pending: 1 });
    expect(log.warn).toHaveBeenCalledWith(expect.stringMatching(/'crm\.deadLetter'.*disk full/));
    isFull = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(account()).toMatchObject({ pending: 0, dead: 1 });
    expect(letters).toHaveLength(1);
  });

  it('counts events that wait for their dead letters against its capacity', async () => {
    const deadLetter = { send: () => new Promise<void>(() => {}) };
    const { emit, account } = tracked(
      new Destination(fail(Infinity, new PermanentDeliveryError('no'))),
      { batchSize: 1, capacity: 3, deadLetter },
    );
    emit(3);
    await vi.advanceTimersByTimeAsync(1_000);
    emit(2, 3);
    expect(account()).toMatchObject({ arrived: 5, pending: 3, dropped: { overflow: 2 } });
  });

  it('delivers other events while dead letters cannot be stored', async () => {
    const destination = new Destination((_, events) => {
      if (events[0]!.name === 'e0') throw new PermanentDeliveryError('no');
    });
    const deadLetter = { send: () => new Promise<void>(() => {}) };
    const { emit, account } = tracked(destination, { batchSize: 1, deadLetter });
    emit(5);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(account()).toMatchObject({ delivered: 4, pending: 1 });
  });

  it('counts events as undelivered if it closes before their dead letters are stored', async () => {
    const deadLetter = { send: () => Promise.reject(new Error('disk full')) };
    const { emit, account, tracker } = tracked(
      new Destination(fail(Infinity, new PermanentDeliveryError('no'))),
      { batchSize: 1, deadLetter },
    );
    emit(2);
    const late = new AbortController();
    const closed = tracker.close({ signal: late.signal });
    await vi.advanceTimersByTimeAsync(1_000);
    late.abort();
    await vi.advanceTimersByTimeAsync(0);
    await closed;
    expect(account()).toMatchObject({ dropped: { undelivered: 2 }, dead: 0, pending: 0 });
    expect(tracker.stats().backends['crm.deadLetter']).toMatchObject({ arrived: 0, pending: 0 });
  });

  it('returns an event to its queue if it closes before the dead letter is stored', async () => {
    const deadLetter = { send: () => Promise.reject(new Error('disk full')) };
    const backend = new DeliveringBackend(
      new Destination(fail(Infinity, new PermanentDeliveryError('no'))),
      { deadLetter },
    );
    vi.spyOn(console, 'error').mockImplementation(() => {});
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const event = { id: '1', name: 'sold', timestamp: new Date(), context: {}, data: {} };
    const undelivered = backend[NODE].routeAsync(event, { keeps: true });
    await vi.advanceTimersByTimeAsync(1_000);
    const closed = backend.close({ signal: AbortSignal.abort() });
    await vi.advanceTimersByTimeAsync(0);
    await closed;
    expect(await undelivered).toEqual([{ path: 'delivery', event }]);
    expect(backend.stats()['delivery']).toMatchObject({ arrived: 0, dead: 0, pending: 0 });
  });

  it('drops an event that the dead-letter destination rejects too', async () => {
    const deadLetter = { send: () => Promise.reject(new PermanentDeliveryError('too large')) };
    const { emit, account } = tracked(
      new Destination(fail(Infinity, new PermanentDeliveryError('no'))),
      { batchSize: 1, deadLetter },
    );
    emit(1);
    await vi.runAllTimersAsync();
    expect(account()).toMatchObject({ dropped: { rejected: 1 }, dead: 0, pending: 0 });
    expect(log.error).toHaveBeenCalledWith(expect.stringMatching(/stored as a dead letter/));
  });
});

describe('DeliveringBackend', () => {
  it('resolves a flush when earlier events have ended, without waiting for later ones', async () => {
    const ends: (() => void)[] = [];
    const destination = new Destination(() => new Promise<void>((resolve) => ends.push(resolve)));
    const { emit, tracker } = tracked(destination, { batchSize: 2 });
    let flushed = false;
    emit(1);
    void tracker.flush().then(() => (flushed = true));
    await vi.advanceTimersByTimeAsync(0);
    emit(2, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(flushed).toBe(false);
    ends[0]!();
    await vi.advanceTimersByTimeAsync(0);
    expect(flushed).toBe(true);
  });

  it('resolves a flush immediately if there are no events', async () => {
    await tracked(new Destination()).tracker.flush();
  });

  it('resolves a flush when the signal aborts, and continues to deliver', async () => {
    const destination = new Destination(fail(3, new RetryableDeliveryError('busy')));
    const { emit, tracker, account } = tracked(destination, { batchSize: 1 });
    emit(1);
    await tracker.flush({ signal: AbortSignal.abort() });
    expect(account().pending).toBe(1);
    await vi.runAllTimersAsync();
    expect(account().delivered).toBe(1);
  });

  it('delivers waiting events before it closes the destination', async () => {
    const destination = new Destination();
    destination.closed.mockImplementation(() => expect(destination.names).toEqual(['e0', 'e1']));
    const { emit, tracker } = tracked(destination);
    emit(2);
    const closed = tracker.close();
    await vi.runAllTimersAsync();
    await closed;
    expect(destination.closed).toHaveBeenCalledTimes(1);
    emit(1, 2);
    expect(tracker.stats()).toMatchObject({ dropped: { closed: 1 } });
  });

  it('counts and logs the remaining events as undelivered if the signal aborts close', async () => {
    const destination = new Destination(() => new Promise<void>(() => {}));
    const { emit, tracker, account } = tracked(destination, { batchSize: 2 });
    emit(5);
    await vi.advanceTimersByTimeAsync(0);
    const deadline = new AbortController();
    const closed = tracker.close({ signal: deadline.signal });
    await vi.advanceTimersByTimeAsync(0);
    deadline.abort();
    await vi.advanceTimersByTimeAsync(0);
    await closed;
    expect(account()).toMatchObject({ arrived: 5, dropped: { undelivered: 5 }, pending: 0 });
    expect(destination.signals[0]!.aborted).toBe(true);
    expect(log.error.mock.calls.join()).toMatch(
      /3 events could not be delivered .*shutdownTimeout/,
    );
  });

  it('resolves a flush if the awaited events are dropped to make room', async () => {
    const bounds = { overflow: 'drop-oldest', maxBytes: 1_000, flushInterval: 60_000 } as const;
    const backend = new DeliveringBackend(new Destination(), bounds);
    const event = { id: '1', name: 'sold', timestamp: new Date(), context: {} };
    const flushed = vi.fn<() => void>();
    backend.send({ ...event, data: {} });
    void backend.flush().then(flushed);
    backend.send({ ...event, data: { text: 'x'.repeat(600) } });
    await vi.advanceTimersByTimeAsync(100);
    expect(backend.stats()['delivery']!.dropped).toEqual({ overflow: 1 });
    expect(flushed).toHaveBeenCalled();
  });

  it('ends all calls of close when the signal of one of them aborts', async () => {
    const backend = new DeliveringBackend(new Destination(() => new Promise(() => {})));
    backend.send({ id: '1', name: 'sold', timestamp: new Date(), context: {}, data: {} });
    const closed = vi.fn<() => void>();
    const first = backend.close().then(closed);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(closed).not.toHaveBeenCalled();
    await backend.close({ signal: AbortSignal.abort() });
    await first;
    const { dropped, pending } = backend.stats()['delivery']!;
    expect({ dropped, pending }).toEqual({ dropped: { undelivered: 1 }, pending: 0 });
  });

  it('makes no pause if an attempt fails at the moment when the closing deadline passes', async () => {
    const asked: Outcome = { ok: false, error: 'busy', retryable: true, retryAfterMs: 3_600_000 };
    for (let ticks = 0; ticks < 40; ticks++) {
      const late = new AbortController();
      const answer = async (resolve: (outcomes: Outcome[]) => void): Promise<void> => {
        late.abort();
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        resolve([asked]);
      };
      const destination: Backend = {
        send() {},
        sendBatch: () => new Promise((resolve) => setTimeout(() => void answer(resolve), 10)),
      };
      const { tracker, emit, account } = tracked(destination, { batchSize: 1 });
      const closed = vi.fn<() => void>();
      emit(1);
      await vi.advanceTimersByTimeAsync(5);
      void tracker.close({ signal: late.signal }).then(closed);
      await vi.advanceTimersByTimeAsync(100);
      expect(closed, `after ${ticks} ticks`).toHaveBeenCalled();
      expect(account()).toMatchObject({ dropped: { undelivered: 1 }, pending: 0 });
    }
  });

  it.each([null, true, { then: (resolve: () => void) => resolve() }])(
    'accepts %s as the result of flush and close of the destination',
    async (answer) => {
      const settle = (): Promise<void> => answer as unknown as Promise<void>;
      const backend = new DeliveringBackend({ send() {}, flush: settle, close: settle });
      await expect(backend.flush()).resolves.toBeUndefined();
      await expect(backend.close()).resolves.toBeUndefined();
    },
  );

  it('causes no leak warning with many batches in flight', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const destination = new Destination(() => new Promise(() => {}));
    const { emit } = tracked(destination, { batchSize: 1, concurrency: 30 });
    emit(30);
    await vi.advanceTimersByTimeAsync(100);
    expect(destination.calls).toHaveLength(30);
    expect(warn).not.toHaveBeenCalled();
  });

  it('leaves no timers', async () => {
    const { emit, tracker } = tracked(new Destination(), { capacity: 3, batchSize: 2 });
    emit(9);
    const closed = tracker.close();
    await vi.advanceTimersByTimeAsync(0);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not keep the process alive while it waits for events, a pause or an answer', async () => {
    vi.useRealTimers();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { emit, tracker } = tracked(
      new Destination((call) => {
        if (call === 1) throw new RetryableDeliveryError('busy');
        return call === 2 ? new Promise<void>(() => {}) : undefined;
      }),
      { batchSize: 2, retry: { minDelay: 1 }, timeout: 1 },
    );
    emit(3);
    await tracker.flush();
    const made = timers.mock.results.map(({ value }) => value as NodeJS.Timeout);
    expect(made.length).toBeGreaterThan(3);
    expect(made.filter((timer) => timer.hasRef())).toEqual([]);
  });

  it('causes no leak warning if many backends close by the same signal', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const late = new AbortController();
    const closed = vi.fn<() => void>();
    for (let index = 0; index < 20; index++) {
      const { tracker, emit } = tracked(new Destination(() => new Promise(() => {})));
      emit(1);
      void tracker.close(late).then(closed);
    }
    await vi.advanceTimersByTimeAsync(100);
    expect(closed).not.toHaveBeenCalled();
    late.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(closed).toHaveBeenCalledTimes(20);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('Metadata records of a DeliveringBackend', () => {
  const record = (id: string): MetadataRecord => ({
    id,
    kind: 'event',
    name: id,
    description: '',
    fields: [],
    timestamp: new Date(0),
    stack_trace: '',
  });

  it('reject every registration of a record that the destination rejects', async () => {
    const destination = { send() {}, register: () => Promise.reject(new Error('no table')) };
    const backend = new DeliveringBackend(destination);
    const both = [backend.register!(record('same')), backend.register!(record('same'))];
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('are not registered with a closed destination', async () => {
    const destination = { send() {}, register: vi.fn<() => Promise<void>>(), close: vi.fn() };
    destination.register.mockRejectedValue(new Error('no table'));
    const backend = new DeliveringBackend(destination);
    await expect(backend.register!(record('refused'))).rejects.toThrow(/has not taken/);
    await backend.close();
    const offered = destination.register.mock.calls.length;
    await expect(backend.register!(record('late'))).rejects.toThrow(/has not taken/);
    expect(destination.register).toHaveBeenCalledTimes(offered);
  });

  it('are registered if they arrive while others are being registered', async () => {
    for (let ticks = 0; ticks < 10; ticks++) {
      const destination = { send() {}, register: vi.fn<() => Promise<void>>(async () => {}) };
      const backend = new DeliveringBackend(destination);
      const first = backend.register!(record('first'));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      const next = backend.register!(record('next'));
      await expect(Promise.all([first, next]), `after ${ticks} ticks`).resolves.toBeDefined();
      expect(destination.register).toHaveBeenCalledTimes(2);
    }
  });
});

describe('DeliveringBackend in a tree', () => {
  it('is transparent in paths to its destination', () => {
    const destination = new Destination();
    const { tracker } = tracked(destination);
    expect(tracker.getBackend('crm')).toBe(destination);
    expect(tracker.backends.get('crm')).toBe(destination);
  });

  it('works without a tree, with copies of its events', async () => {
    const destination = new Destination();
    const delivering = new DeliveringBackend(destination);
    const event = { id: '1', name: 'sold', timestamp: new Date(), context: {}, data: { price: 1 } };
    delivering.send(event);
    event.data.price = 2;
    const flushed = delivering.flush();
    await vi.runAllTimersAsync();
    await flushed;
    expect(destination.stored[0]).toMatchObject({ id: '1', data: { price: 1 } });
  });

  it.each([
    [{ batchSize: 0 }, /delivery\.batchSize must be a whole number above 0; received the number 0/],
    [{ batchSize: 20, capacity: 10 }, /batchSize must not be above capacity \(10\); received 20/],
    [{ flushInterval: -1 }, /delivery\.flushInterval must be a number of milliseconds/],
    [{ overflow: 'drop-some' }, /delivery\.overflow must be 'drop-newest' or 'drop-oldest'/],
    [{ retry: { attempts: 1.5 } }, /delivery\.retry\.attempts must be a whole number/],
    [
      { retry: 3 },
      /delivery\.retry: options must be an object such as \{ attempts \}; received the number 3/,
    ],
    [{ bufferSize: 3 }, /delivery: unknown option 'bufferSize'; supported options: batchSize/],
    [{ deadLetter: 'file' }, /delivery\.deadLetter must be a backend .* the string 'file'/],
  ])('rejects the options %j', (options, message) => {
    expect(() => new DeliveringBackend(new Destination(), options as DeliveryOptions)).toThrow(
      message,
    );
  });
});

describe('The stats of a DeliveringBackend', () => {
  type Answer = 'takes' | 'busy' | 'breaks' | 'refuses' | 'hangs' | 'judges';
  const answers = fc.array(
    fc.constantFrom<Answer>('takes', 'busy', 'breaks', 'refuses', 'hangs', 'judges'),
    { maxLength: 30 },
  );

  it('balance at every moment, and count each event once, whatever the destination does', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 15 }),
        fc.record({
          batchSize: fc.integer({ min: 1, max: 7 }),
          capacity: fc.integer({ min: 7, max: 30 }),
          concurrency: fc.integer({ min: 1, max: 3 }),
          overflow: fc.constantFrom('drop-newest' as const, 'drop-oldest' as const),
        }),
        async (script, bursts, options) => {
          const letters: TrackingEvent[] = [];
          const destination = new Destination(async (call, events) => {
            switch (script[call - 1] ?? 'takes') {
              case 'busy':
                throw new RetryableDeliveryError('busy');
              case 'breaks':
                throw new Error('broken');
              case 'refuses':
                throw new PermanentDeliveryError('refused');
              case 'hangs':
                return new Promise<never>(() => {});
              case 'judges':
                return events.map((_, index): Outcome => {
                  if (index % 3 === 0) return { ok: true };
                  return { ok: false, error: 'judged', retryable: index % 3 === 1 };
                });
              default:
                return undefined;
            }
          });
          const { tracker, emit, account } = tracked(destination, {
            ...options,
            retry: { attempts: 3, minDelay: 10 },
            timeout: 50,
            deadLetter: { send: (event) => void letters.push(event) },
          });
          let emitted = 0;
          for (const burst of bursts) {
            emit(burst, emitted);
            emitted += burst;
            expect(balance(account())).toBe(0);
            await vi.advanceTimersByTimeAsync(burst);
            expect(balance(account())).toBe(0);
          }
          const closed = tracker.close();
          await vi.runAllTimersAsync();
          await closed;
          const end = account();
          expect(end).toMatchObject({ arrived: emitted, pending: 0 });
          expect(balance(end)).toBe(0);
          expect(end.delivered).toBe(destination.stored.length);
          expect(end.dead).toBe(letters.length);
          const ids = [...destination.stored, ...letters].map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(vi.getTimerCount()).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

function fail(times: number, error: Error) {
  return (call: number): void => {
    if (call <= times) throw error;
  };
}
