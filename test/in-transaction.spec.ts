import { ImproperlyConfigured, MemoryBackend, Tracker } from 'nestjs-event-tracking';
import { inTransaction } from 'nestjs-event-tracking/transactional';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from './support/deferred.js';
import { RecordingLogger } from './support/recording-logger.js';
import { unaccountedEvents } from './support/unaccounted-events.js';

let logger: RecordingLogger;
let memory: MemoryBackend;
let tracker: Tracker;

beforeEach(() => {
  logger = new RecordingLogger();
  memory = new MemoryBackend();
  tracker = new Tracker({ backends: { memory }, logger });
});

afterEach(() => {
  expect(unaccountedEvents(tracker.stats())).toBe(0);
});

const names = (): string[] => memory.events.map(({ name }) => name);
const fail = (): never => {
  throw new Error('failed');
};

describe('inTransaction', () => {
  it('delivers the events once the code has succeeded, and returns its result', async () => {
    const result = await inTransaction(tracker, async () => {
      tracker.emit('first');
      await Promise.resolve();
      tracker.emit('second');
      expect(names()).toEqual([]);
      return 7;
    });
    expect(result).toBe(7);
    expect(names()).toEqual(['first', 'second']);
  });

  it('drops the events of code that rejects or throws, and passes the error on', async () => {
    const rejecting = inTransaction(tracker, async () => {
      tracker.emit('first');
      await Promise.reject(new Error('failed'));
    });
    await expect(rejecting).rejects.toThrow('failed');
    const throwing = inTransaction(tracker, () => {
      tracker.emit('second');
      fail();
    });
    await expect(throwing).rejects.toThrow('failed');
    expect(names()).toEqual([]);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 2 });
  });

  it('delivers the events of the last attempt of a repeated callback only', async () => {
    await inTransaction(tracker, async (attempt) => {
      const callback = attempt(async (number: number) => tracker.emit(`attempt.${number}`));
      for (const number of [1, 2, 3]) await callback(number);
    });
    expect(names()).toEqual(['attempt.3']);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 2 });
  });

  it('keeps the order of emission when branches end in another order', async () => {
    const inner = deferred();
    await inTransaction(tracker, async () => {
      const savepoint = inTransaction(tracker, async () => {
        tracker.emit('first');
        await inner.promise;
      });
      tracker.emit('second');
      inner.resolve();
      await savepoint;
    });
    expect(names()).toEqual(['first', 'second']);
  });

  it('holds no events of other trackers', async () => {
    const other = new MemoryBackend();
    const otherTracker = new Tracker({ name: 'other', backends: { other }, logger });
    await inTransaction(tracker, async () => {
      otherTracker.emit('other');
      expect(other.events).toHaveLength(1);
    });
  });

  it('drops events that its callback emits after the database gave it up', async () => {
    const late = deferred();
    let callback = Promise.resolve();
    const transaction = inTransaction(tracker, async (attempt) => {
      callback = attempt(async () => {
        tracker.emit('early');
        await late.promise;
        tracker.emit('late');
      })();
      await Promise.reject(new Error('timeout'));
    });
    await expect(transaction).rejects.toThrow('timeout');
    late.resolve();
    await callback;
    tracker.emit('afterwards');
    expect(names()).toEqual(['afterwards']);
    expect(tracker.stats()).toMatchObject({ dropped: { rolled_back: 2 }, pending: 0 });
  });

  it('lets an event of a closed tracker count as closed', async () => {
    const { promise, resolve } = deferred();
    const transaction = inTransaction(tracker, async () => {
      tracker.emit('first');
      await promise;
    });
    await tracker.close({ signal: AbortSignal.abort() });
    resolve();
    await transaction;
    expect(tracker.stats().dropped).toEqual({ closed: 1 });
  });

  it('runs code beside a double of a tracker', async () => {
    expect(await inTransaction({ emit() {} }, async (attempt) => attempt(() => 7)())).toBe(7);
  });

  it('rejects arguments that it cannot use', async () => {
    const promise = Promise.resolve();
    await expect(inTransaction(undefined as never, () => {})).rejects.toThrow(ImproperlyConfigured);
    await expect(inTransaction(tracker, promise as never)).rejects.toThrow(
      /run must be a function that runs the transaction; received .*Write inTransaction\(tracker/,
    );
  });
});

describe('A transaction with many events', () => {
  it('holds 10,000 events, and drops, counts and reports the others', async () => {
    await inTransaction(tracker, async () => {
      for (let count = 0; count < 10_003; count++) tracker.emit('event');
    });
    expect(tracker.stats()).toMatchObject({
      delivered: 10_000,
      dropped: { transaction_overflow: 3 },
    });
    expect(logger.complaints[0]).toMatch(
      /'event' was dropped: its transaction already holds 10000 events or 16 MiB/,
    );
  });

  it('holds 16 MiB of events together with its savepoints', async () => {
    const text = 'x'.repeat(2 ** 20);
    const emit = (count: number): void => {
      for (let each = 0; each < count; each++) tracker.emit('large', { text });
    };
    await inTransaction(tracker, async () => {
      emit(8);
      await expect(
        inTransaction(tracker, async () => {
          emit(7);
          fail();
        }),
      ).rejects.toThrow('failed');
      await inTransaction(tracker, async () => emit(7));
      emit(1);
    });
    expect(tracker.stats()).toMatchObject({
      delivered: 15,
      dropped: { rolled_back: 7, transaction_overflow: 1 },
    });
  });
});

describe('While a transaction holds events,', () => {
  it('flush and persisted wait for its end', async () => {
    const { promise, resolve } = deferred();
    const transaction = inTransaction(tracker, async () => {
      tracker.emit('first');
      await promise;
    });
    let ends = 0;
    const flushed = tracker.flush().then(() => ends++);
    const persisted = tracker.persisted().then(() => ends++);
    await new Promise(setImmediate);
    expect(ends).toBe(0);
    resolve();
    await Promise.all([transaction, flushed, persisted]);
    expect(names()).toEqual(['first']);
  });

  it('flush within it returns, and persisted rejects with the reason', async () => {
    await inTransaction(tracker, async () => {
      tracker.emit('first');
      await tracker.flush();
      await expect(tracker.persisted()).rejects.toThrow(
        /1 pending at the tracker itself. Await persisted\(\) after the transaction/,
      );
    });
    await tracker.persisted();
  });

  it('persisted does not count a rollback as a loss', async () => {
    await expect(
      inTransaction(tracker, async () => {
        tracker.emit('first');
        fail();
      }),
    ).rejects.toThrow('failed');
    await tracker.persisted();
  });
});
