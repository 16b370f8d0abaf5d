import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventStats } from '../tree/event-stats.js';
import type { Backend } from '../tree/backend.js';
import type { ContextLocator } from '../context/context-locator.js';
import { DefaultContextLocator } from '../context/default-context-locator.js';
import { ImproperlyConfigured, UnknownBackendError } from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';
import { RoutingBackend } from '../tree/routing-backend.js';
import type { TrackerOptions } from './tracker-options.js';
import { EventPipeline, type EventPipelineOptions } from './event-pipeline.js';
import { Tracker } from './tracker.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Creates a tracker whose owner attaches the tree later. */
function withoutTree(options: EventPipelineOptions): { tracker: Tracker; pipeline: EventPipeline } {
  const pipeline = new EventPipeline(options);
  return { pipeline, tracker: new Tracker(pipeline) };
}

class RecordingBackend implements Backend {
  readonly events: TrackingEvent[] = [];
  readonly calls: string[] = [];
  send(event: TrackingEvent): void {
    this.events.push(event);
  }
  async flush(): Promise<void> {
    this.calls.push('flush');
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }
  get last(): TrackingEvent {
    return this.events.at(-1)!;
  }
}

class RecordingLogger {
  readonly lines: string[] = [];
  warn(message: string): void {
    this.lines.push(message);
  }
  error(message: string): void {
    this.lines.push(message);
  }
}

interface Setup {
  tracker: Tracker;
  recorder: RecordingBackend;
  logger: RecordingLogger;
}

function setUp(options: TrackerOptions = {}): Setup {
  const [recorder, logger] = [new RecordingBackend(), new RecordingLogger()];
  return { recorder, logger, tracker: new Tracker({ backends: { recorder }, logger, ...options }) };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const emitAnything = (tracker: Tracker, ...args: unknown[]): unknown =>
  Reflect.apply(tracker.emit, tracker, args) as unknown;

function expectBalance(tracker: Tracker): void {
  const { backends, ...own } = tracker.stats();
  expectBalanced({ ...backends, tracker: own });
}

function expectBalanced(accounts: Record<string, EventStats | undefined>): void {
  for (const [path, account] of Object.entries(accounts)) {
    const { arrived, delivered, filtered, pending, dropped } = account!;
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect({ path, arrived }).toEqual({ path, arrived: delivered + filtered + pending + lost });
  }
}

describe('Tracker', () => {
  describe('emit', () => {
    it('sends an event with id, name, timestamp, context and data to backends, and returns undefined', () => {
      const { tracker, recorder } = setUp();
      const before = Date.now();
      tracker.context('user', { user_id: 7 }, () => {
        expect(emitAnything(tracker, 'course.enrolled', { course_id: 'DemoX' })).toBeUndefined();
      });
      expect(recorder.events).toStrictEqual([
        {
          id: expect.stringMatching(UUID_V7),
          name: 'course.enrolled',
          timestamp: expect.any(Date),
          context: { user_id: 7 },
          data: { course_id: 'DemoX' },
        },
      ]);
      expect(recorder.last.timestamp.getTime()).toBeGreaterThanOrEqual(before);
      expect(recorder.last.timestamp.getTime()).toBeLessThanOrEqual(Date.now());
    });

    it('sets the timestamp during the call, and the id to the same millisecond', () => {
      vi.useFakeTimers({ now: new Date('2040-01-01T00:00:00.005Z') });
      const { tracker, recorder } = setUp();
      tracker.emit('a');
      vi.useRealTimers();
      expect(recorder.last.timestamp).toEqual(new Date('2040-01-01T00:00:00.005Z'));
      const { id, timestamp } = recorder.last;
      expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(timestamp.getTime());
    });

    it('delivers to synchronous backends before it returns', () => {
      const { tracker, recorder } = setUp();
      tracker.emit('a');
      expect(recorder.events).toHaveLength(1);
    });

    it('gives events increasing ids', () => {
      const { tracker, recorder } = setUp();
      for (let count = 0; count < 100; count++) tracker.emit('a');
      const ids = recorder.events.map(({ id }) => id);
      expect(ids.toSorted()).toEqual(ids);
      expect(new Set(ids).size).toBe(100);
    });

    it.each([[[]], [['']], [[undefined]], [[null, null]]])(
      'uses the name unknown and empty data for the arguments %j, without a warning',
      (args) => {
        const { tracker, recorder, logger } = setUp();
        emitAnything(tracker, ...args);
        expect(recorder.last).toMatchObject({ name: 'unknown', data: {} });
        expect(logger.lines).toEqual([]);
      },
    );

    it.each<[unknown, string]>([
      [5, '5'],
      [0, '0'],
      [false, 'false'],
      [10n, '10'],
      [['a', 'b'], 'a,b'],
    ])('writes the name %s as a string and reports it', (name, written) => {
      const { tracker, recorder, logger } = setUp();
      emitAnything(tracker, name);
      expect(recorder.last.name).toBe(written);
      expect(logger.lines).toEqual([expect.stringMatching(/name must be a string; received/)]);
    });

    it.each<[unknown, unknown]>([
      ['text', 'text'],
      ['', ''],
      [5, 5],
      [0, 0],
      [false, false],
      [[1], [1]],
      [[], []],
      [new Date(5), new Date(5)],
      [new Set([1]), [1]],
    ])('wraps the data %j as a value and reports it', (data, value) => {
      const { tracker, recorder, logger } = setUp();
      emitAnything(tracker, 'a', data);
      expect(recorder.last.data).toStrictEqual({ value });
      expect(logger.lines).toContainEqual(
        expect.stringMatching(
          /'a' must be an object; received .* delivered with the data \{ value \}/,
        ),
      );
    });

    it('wraps data whose toJSON returns undefined as a value', () => {
      const { tracker, recorder } = setUp();
      tracker.emit('a', { toJSON() {} });
      expect(recorder.last.data).toStrictEqual({ value: null });
    });

    it('delivers the data as they were at the call', () => {
      const { tracker, recorder } = setUp();
      const data = { list: [1] };
      tracker.emit('a', data);
      data.list.push(2);
      expect(recorder.last.data).toEqual({ list: [1] });
    });

    it('protects the data of the caller from processors and backends', () => {
      const data = { nested: { x: 1 } };
      const context = { who: { id: 1 } };
      const spoil = (event: TrackingEvent): void => {
        Object.assign(event.data['nested'] as object, { x: 'spoiled' });
        Object.assign(event.context['who'] as object, { id: 'spoiled' });
      };
      const tracker = new Tracker({ processors: [spoil], backends: { spoiling: { send: spoil } } });
      tracker.context(context, () => {
        tracker.emit('a', data);
        expect(tracker.resolveContext()).toEqual({ who: { id: 1 } });
      });
      expect([data, context]).toEqual([{ nested: { x: 1 } }, { who: { id: 1 } }]);
    });

    it('logs values that JSON cannot represent once per event, and delivers them as text', () => {
      const { tracker, recorder, logger } = setUp();
      tracker.emit('a', { balance: 10n, again: { balance: 11n } });
      expect(recorder.last.data).toEqual({ balance: '10', again: { balance: '11' } });
      expect(logger.lines).toEqual([
        expect.stringMatching(
          /'a' contains values that JSON cannot represent; they were converted: .*balance: 10; again\.balance: 11/,
        ),
      ]);
    });

    it('logs values that JSON cannot represent when a context is entered', () => {
      const { tracker, recorder, logger } = setUp();
      tracker.context('user', { id: 7n }, () => tracker.emit('a'));
      expect(recorder.last.context).toEqual({ id: '7' });
      expect(logger.lines).toEqual([
        expect.stringMatching(
          /context 'user' contains values that JSON cannot represent; they were converted: .*id: 7/,
        ),
      ]);
    });

    it('delivers events larger than maxEventSize, with a warning once a minute per type', () => {
      vi.useFakeTimers();
      const { tracker, recorder, logger } = setUp({ maxEventSize: 100 });
      const large = { text: 'x'.repeat(200) };
      tracker.emit('small', { text: 'x' });
      for (let count = 0; count < 5; count++) tracker.emit('large', large);
      tracker.emit('other', large);
      const said = (name: string): string[] =>
        logger.lines.filter((line) => line.includes(`'${name}' is about`));
      expect([said('small').length, said('large').length, said('other').length]).toEqual([0, 1, 1]);
      expect(recorder.events).toHaveLength(7);
      expect(recorder.last.data).toEqual(large);
      vi.advanceTimersByTime(60_000);
      tracker.emit('large', large);
      expect(said('large').length).toBe(2);
      vi.useRealTimers();
    });

    it('allows events of one mebibyte by default', () => {
      const { tracker, logger } = setUp();
      tracker.emit('fits', { text: 'x'.repeat(1024 * 1024 - 1_000) });
      expect(logger.lines).toEqual([]);
      tracker.emit('large', { text: 'x'.repeat(1024 * 1024) });
      expect(logger.lines).toHaveLength(1);
    });
  });

  describe('emit does not throw', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
    });

    it('for any name and any data, and delivers the event', () => {
      fc.assert(
        fc.property(anything, anything, (name, data) => {
          const { tracker, recorder } = setUp();
          emitAnything(tracker, name, data);
          expect(recorder.events).toHaveLength(1);
          expect(recorder.last.name).toBeTypeOf('string');
          expect(JSON.parse(JSON.stringify(recorder.last))).toBeTypeOf('object');
          expectBalance(tracker);
        }),
        { numRuns: 500 },
      );
    });

    const hostile: Record<string, () => unknown> = {
      'a revoked proxy': revokedProxy,
      'a symbol': () => Symbol('x'),
      'an object that cannot be a string': () => ({ toString: null, valueOf: null }),
      'an object whose toString throws': () => ({
        toString() {
          throw revokedProxy();
        },
      }),
      'an object whose every trap throws': () => {
        return new Proxy(
          {},
          new Proxy(
            {},
            {
              get: () => () => {
                throw new Error('trapped');
              },
            },
          ),
        );
      },
    };

    it.each(Object.keys(hostile))('for %s as name, data, and both', (what) => {
      const { tracker, recorder } = setUp();
      emitAnything(tracker, hostile[what]!());
      emitAnything(tracker, 'a', hostile[what]!());
      emitAnything(tracker, hostile[what]!(), hostile[what]!());
      expect(recorder.events).toHaveLength(3);
      expectBalance(tracker);
    });

    it('for loggers that throw or reject', async () => {
      const fail = (): never => {
        throw new Error('no disk');
      };
      const reject = (): Promise<never> => Promise.reject(new Error('no disk'));
      const unhandled = vi.fn();
      process.on('unhandledRejection', unhandled);
      for (const logger of [
        { warn: fail, error: fail },
        { warn: reject, error: reject },
      ]) {
        const { tracker, recorder } = setUp({ logger });
        emitAnything(tracker, 5, { x: 1n });
        tracker.registerBackend('broken', { send: fail });
        tracker.emit('a');
        await tracker.close();
        tracker.emit('late');
        expect(recorder.events).toHaveLength(2);
      }
      await tick();
      process.off('unhandledRejection', unhandled);
      expect(unhandled).not.toHaveBeenCalled();
    });

    it('for loggers that emit', async () => {
      const logger = {
        warn: () => tracker.emit('log.warn', { x: 1n }),
        error: () => tracker.emit('log.error', { x: 1n }),
      };
      const fail = (): never => {
        throw new Error('down');
      };
      const tracker: Tracker = new Tracker({ logger, backends: { broken: { send: fail } } });
      emitAnything(tracker, 5, { x: 1n });
      await tracker.close();
      tracker.emit('late');
      expectBalance(tracker);
    });

    it('for locators that throw or return invalid stacks, and delivers the event without context', () => {
      const fail = (): never => {
        throw new Error('no store');
      };
      const locators = [
        { get: fail, run: fail },
        { get: () => undefined, run: fail },
        { get: () => ({ resolve: fail }), run: fail },
      ] as unknown as ContextLocator[];
      for (const contextLocator of locators) {
        const { tracker, recorder, logger } = setUp({ contextLocator });
        tracker.emit('a', { x: 1 });
        expect(recorder.events).toMatchObject([{ name: 'a', context: {}, data: { x: 1 } }]);
        expect(logger.lines).toEqual([
          expect.stringMatching(/context locator failed for the event 'a'/),
        ]);
      }
    });

    it('for processors and backends that throw', () => {
      const fail = (): never => {
        throw new Error('down');
      };
      const { tracker } = setUp({ processors: [fail], backends: { broken: { send: fail } } });
      expect(() => tracker.emit('a')).not.toThrow();
      expectBalance(tracker);
    });

    it('near a stack overflow, and the stats of tracker and nodes balance', () => {
      const recorder = new RecordingBackend();
      const { tracker } = setUp({
        processors: [(event) => ({ ...event })],
        backends: {
          node: new RoutingBackend({ backends: { a: recorder, b: { send() {} } } }),
          z: { send() {} },
        },
      });
      let emitted = 0;
      let thrown = 0;
      const dive = (): void => {
        try {
          dive();
        } catch {
          // The stack is exhausted here; the outer calls have ever more of it left.
        }
        if (emitted >= 2_000) return;
        emitted++;
        try {
          tracker.emit('deep', { a: { b: { c: 1n } } });
        } catch {
          thrown++;
        }
      };
      dive();
      expect(emitted).toBe(2_000);
      // If no function can be called at all, emit cannot be called either.
      const { backends, ...own } = tracker.stats();
      expect(thrown).toBe(emitted - own.arrived);
      expect(own.dropped.internal_error).toBeGreaterThan(0);
      expect(recorder.events.length).toBeGreaterThan(0);
      expectBalanced({ tracker: own, root: backends[''], node: backends['node'] });
    });
  });

  describe('emit during the creation of an event', () => {
    it.each<[string, (emit: () => void) => object]>([
      [
        'a getter of its data',
        (get) => Object.defineProperty({}, 'key', { get, enumerable: true }),
      ],
      ['a toJSON of its data', (toJSON) => ({ toJSON })],
    ])('ends a cycle through %s, which is counted and logged', (_what, make) => {
      const { tracker, recorder, logger } = setUp();
      const data = make(() => tracker.emit('again', data));
      tracker.emit('a', data);
      const { arrived, dropped } = tracker.stats();
      expect(dropped).toEqual({ recursion: 1 });
      expect(recorder.events).toHaveLength(arrived - 1);
      expect(recorder.events.length).toBeLessThan(20);
      expect(logger.lines.join()).toMatch(/'again' was dropped.*cycle/);
      expectBalance(tracker);
    });

    it('ends a cycle through a context that is read for each event', () => {
      const { tracker, recorder } = setUp();
      tracker.contextLocator.run('request', () => {
        tracker.locatedContext.enterLive(
          'request',
          () => {
            tracker.emit('read');
            return { user_id: 7 };
          },
          () => {},
        );
        tracker.emit('a');
      });
      expect(tracker.stats().dropped).toEqual({ recursion: 1 });
      expect(recorder.last).toMatchObject({ name: 'a', context: { user_id: 7 } });
      expectBalance(tracker);
    });
  });

  describe('emit during the delivery of an event', () => {
    it('delivers the second event, nested or later', async () => {
      const { tracker, recorder } = setUp();
      tracker.registerBackend('echo', {
        async send({ name }) {
          if (name === 'a') tracker.emit('nested');
          await tick();
          if (name === 'a') tracker.emit('later');
        },
      });
      tracker.emit('a');
      await tracker.flush();
      expect(recorder.events.map(({ name }) => name)).toEqual(['a', 'nested', 'later']);
    });

    it('ends a cycle, which is counted and logged, and delivers the next event', () => {
      const { tracker, recorder, logger } = setUp();
      tracker.registerBackend('echo', { send: () => tracker.emit('echo') });
      tracker.emit('a');
      const { arrived, dropped } = tracker.stats();
      expect(dropped).toEqual({ recursion: 1 });
      expect(recorder.events).toHaveLength(arrived - 1);
      expect(logger.lines).toEqual([expect.stringMatching(/'echo' was dropped.*cycle/)]);
      expectBalance(tracker);
      tracker.emit('b');
      expect(recorder.events.map(({ name }) => name)).toContain('b');
    });

    it('ends a cycle through processors and several backends immediately', () => {
      const echo: Backend = { send: () => tracker.emit('echo') };
      const { tracker } = setUp({
        processors: [() => tracker.emit('processed')],
        backends: { a: echo, b: echo },
      });
      tracker.emit('a');
      expect(tracker.stats().dropped.recursion).toBeGreaterThan(0);
      expectBalance(tracker);
    });
  });

  describe('configuration', () => {
    it('is optional', () => {
      expect(() => new Tracker().emit('a')).not.toThrow();
      expect(new Tracker().name).toBe('default');
    });

    it.each<[string, object]>([
      ['a locator', { contextLocator: {} }],
      ['a size', { maxEventSize: 0 }],
      ['a size', { maxEventSize: Number.NaN }],
      ['a size', { maxEventSize: '1MB' }],
      ['a backend', { backends: { a: {} } }],
      ['a processor', { processors: [5] }],
    ])('rejects a value that is not %s', (_, options) => {
      expect(() => new Tracker(options)).toThrow(ImproperlyConfigured);
      expect(() => new Tracker(options)).toThrow(/(must be|expected) .*received/);
    });

    it('accepts backends as a Map', () => {
      const recorder = new RecordingBackend();
      new Tracker({ backends: new Map([['recorder', recorder]]) }).emit('a');
      expect(recorder.events).toHaveLength(1);
    });

    it('exposes backends, processors and the locator, and finds backends by path', () => {
      const leaf = new RecordingBackend();
      const node = new RoutingBackend({ backends: { leaf } });
      const contextLocator = new DefaultContextLocator();
      const processor = (): void => {};
      const tracker = new Tracker({ backends: { node }, processors: [processor], contextLocator });
      expect(tracker.backends).toEqual(new Map([['node', node]]));
      expect(tracker.processors).toEqual([processor]);
      expect(tracker.contextLocator).toBe(contextLocator);
      expect(tracker.locatedContext).toBe(contextLocator.get());
      expect(tracker.getBackend('node')).toBe(node);
      expect(tracker.getBackend('node.leaf')).toBe(leaf);
    });

    it.each(['nope', 'node.nope', 'node.leaf.deeper', '', '.', 'node.', 'toString'])(
      'throws for the unknown backend %j',
      (path) => {
        const tracker = new Tracker({
          backends: { node: new RoutingBackend({ backends: { leaf: { send() {} } } }) },
        });
        expect(() => tracker.getBackend(path)).toThrow(UnknownBackendError);
        expect(() => tracker.getBackend(path)).toThrow(/It has: node, node\.leaf\./);
      },
    );

    it('can be extended by backends and processors later', () => {
      const { tracker, recorder } = setUp();
      const later = new RecordingBackend();
      tracker.registerBackend('later', later);
      tracker.registerProcessor((event) => void (event.data['processed'] = true));
      tracker.emit('a');
      expect([recorder.last.data, later.last.data]).toEqual([
        { processed: true },
        { processed: true },
      ]);
      expect(() => tracker.registerBackend('later', later)).toThrow(ImproperlyConfigured);
    });
  });

  describe('flush', () => {
    it('resolves when all emitted events have been delivered', async () => {
      const { promise, resolve } = deferred();
      const { tracker } = setUp({ backends: { slow: { send: () => promise } } });
      tracker.emit('a');
      let flushed = false;
      const flush = tracker.flush().then(() => (flushed = true));
      await tick();
      expect(flushed).toBe(false);
      resolve();
      await flush;
      expect(tracker.stats().backends['slow']).toMatchObject({ delivered: 1, pending: 0 });
    });

    it('resolves early when the signal aborts', async () => {
      const { tracker } = setUp({ backends: { stuck: { send: () => new Promise(() => {}) } } });
      tracker.emit('a');
      const controller = new AbortController();
      const flush = tracker.flush({ signal: controller.signal });
      controller.abort();
      await flush;
      await tracker.flush({ signal: AbortSignal.abort() });
      expect(tracker.stats().backends['stuck']).toMatchObject({ pending: 1 });
    });

    it('logs how many messages were suppressed', async () => {
      const { tracker, logger } = setUp({
        backends: {
          broken: {
            send() {
              throw new Error('down');
            },
          },
        },
      });
      for (let count = 0; count < 30; count++) tracker.emit('a');
      expect(logger.lines).toHaveLength(10);
      await tracker.flush();
      expect(logger.lines.at(-1)).toMatch(/^20 more .*broken/);
    });
  });

  describe('close', () => {
    it('flushes and closes the backends', async () => {
      const { tracker, recorder } = setUp();
      await tracker.close();
      expect(recorder.calls[0]).toBe('flush');
      expect(recorder.calls.at(-1)).toBe('close');
    });

    it('delivers events that are emitted while it waits', async () => {
      const { promise, resolve } = deferred();
      const delivered: string[] = [];
      const { tracker } = setUp({
        backends: { slow: { send: ({ name }) => promise.then(() => void delivered.push(name)) } },
      });
      tracker.emit('before');
      const closed = tracker.close();
      tracker.emit('under way');
      resolve();
      await closed;
      expect(delivered).toEqual(['before', 'under way']);
      expect(tracker.stats().dropped).toEqual({});
    });

    it('makes later events dropped, which is counted and logged', async () => {
      const { tracker, recorder, logger } = setUp();
      await tracker.close();
      emitAnything(tracker, 'late');
      emitAnything(tracker, revokedProxy());
      expect(recorder.events).toEqual([]);
      expect(tracker.stats()).toMatchObject({ arrived: 2, delivered: 0, dropped: { closed: 2 } });
      expect(logger.lines[0]).toMatch(/'late' was dropped: the tracker is closed/);
      expectBalance(tracker);
    });

    it('closes backends once if it is called twice, and both calls await the end', async () => {
      const { promise, resolve } = deferred();
      const close = vi.fn(() => promise);
      const { tracker } = setUp({ backends: { slow: { send() {}, close } } });
      const settled: number[] = [];
      const calls = [
        tracker.close().then(() => settled.push(1)),
        tracker.close().then(() => settled.push(2)),
      ];
      await tick();
      calls.push(tracker.close().then(() => settled.push(3)));
      await tick();
      expect(settled).toEqual([]);
      resolve();
      await Promise.all(calls);
      await tracker.close();
      expect(close).toHaveBeenCalledTimes(1);
    });

    it('never rejects, and resolves early when the signal aborts', async () => {
      const { tracker, logger } = setUp({
        backends: {
          broken: {
            send() {},
            flush() {
              throw new Error('gone');
            },
            close: () => Promise.reject(new Error('gone')),
          },
          stuck: { send: () => new Promise(() => {}), close: () => new Promise(() => {}) },
        },
      });
      tracker.emit('a');
      const controller = new AbortController();
      const closed = tracker.close({ signal: controller.signal });
      await tick();
      controller.abort();
      await expect(closed).resolves.toBeUndefined();
      expect(logger.lines).toContainEqual(expect.stringMatching(/flush.*'broken'.*gone/));
    });
  });

  describe('with a deferred tree', () => {
    let logger: RecordingLogger;
    let recorder: RecordingBackend;
    let root: RoutingBackend;
    beforeEach(() => {
      logger = new RecordingLogger();
      recorder = new RecordingBackend();
      root = new RoutingBackend({ backends: { recorder } });
    });

    it('keeps events unchanged, and delivers them in order before later ones', () => {
      const { tracker, pipeline } = withoutTree({ logger });
      const data = { n: 1 };
      tracker.context({ user_id: 7 }, () => tracker.emit('early', data));
      data.n = 2;
      tracker.emit('second');
      expect(tracker.stats()).toMatchObject({ arrived: 2, delivered: 0, pending: 2 });
      pipeline.attach(root);
      tracker.emit('third');
      expect(recorder.events.map(({ name }) => name)).toEqual(['early', 'second', 'third']);
      expect(recorder.events[0]).toMatchObject({ context: { user_id: 7 }, data: { n: 1 } });
      expect(tracker.stats()).toMatchObject({ arrived: 3, delivered: 3, pending: 0 });
      expectBalance(tracker);
    });

    it('keeps a bounded number of events, and counts and logs the events beyond it', () => {
      const { tracker, pipeline } = withoutTree({ logger });
      for (let count = 0; count < 10_005; count++) tracker.emit(`event.${count}`);
      expect(tracker.stats()).toMatchObject({
        arrived: 10_005,
        pending: 10_000,
        dropped: { startup_overflow: 5 },
      });
      expect(logger.lines).toHaveLength(5);
      expect(logger.lines[0]).toMatch(
        /'event\.10000' was dropped: 10000 events are already waiting/,
      );
      pipeline.attach(root);
      expect(recorder.events).toHaveLength(10_000);
      expectBalance(tracker);
    });

    it('has no backends yet, and the error for a backend states the reason', async () => {
      const { tracker } = withoutTree({ logger });
      expect(tracker.backends.size).toBe(0);
      expect(tracker.processors).toEqual([]);
      expect(() => tracker.getBackend('recorder')).toThrow(UnknownBackendError);
      expect(() => tracker.registerBackend('a', recorder)).toThrow(/still being created/);
      expect(() => tracker.registerProcessor(() => {})).toThrow(ImproperlyConfigured);
      await tracker.flush();
    });

    it('receives its locator and maxEventSize with the tree', () => {
      const { tracker, pipeline } = withoutTree({ logger });
      const contextLocator = new DefaultContextLocator();
      pipeline.attach(root, { contextLocator, maxEventSize: 10 });
      expect(tracker.contextLocator).toBe(contextLocator);
      tracker.emit('a', { text: 'longer than that' });
      expect(logger.lines).toEqual([expect.stringMatching(/more than maxEventSize \(10\)/)]);
      expect(() => pipeline.attach(root, { maxEventSize: -1 })).toThrow(ImproperlyConfigured);
      expect(() => pipeline.attach(root, { contextLocator: {} as ContextLocator })).toThrow(
        ImproperlyConfigured,
      );
    });

    it('logs its undelivered events if it closes before the tree is attached', async () => {
      const { tracker } = withoutTree({ logger });
      tracker.emit('early');
      await tracker.close();
      expect(tracker.stats()).toMatchObject({ arrived: 1, pending: 0, dropped: { closed: 1 } });
      expect(logger.lines).toEqual([
        expect.stringMatching(/'early' was dropped: the tracker was closed before/),
      ]);
    });

    it('can reject events without closing its backends', async () => {
      const { tracker, pipeline } = withoutTree({ logger });
      pipeline.attach(root);
      pipeline.stopAccepting();
      tracker.emit('late');
      await tracker.close();
      expect(tracker.stats().dropped).toEqual({ closed: 1 });
      expect(recorder.calls).toEqual([]);
    });
  });

  describe('with enabled: false', () => {
    it('does nothing, but still runs callbacks', async () => {
      const logger = new RecordingLogger();
      const { tracker, pipeline } = withoutTree({ logger });
      tracker.emit('early');
      pipeline.disable();
      tracker.emit('a', { x: 1n });
      expect(tracker.context('a', { a: 1 }, () => 5)).toBe(5);
      expect(tracker.context(5 as unknown as object, () => 5)).toBe(5);
      using entered = tracker.enterContext('a', { a: 1 });
      expect(entered.conversions).toEqual([]);
      tracker.exitContext('unknown');
      expect(tracker.resolveContext()).toEqual({});
      tracker.registerProcessor(() => {});
      tracker.registerBackend('further', new RecordingBackend());
      expect(tracker.getBackend('further').send({} as TrackingEvent)).toBeUndefined();
      await tracker.flush();
      await tracker.close();
      tracker.emit('late');
      expect(tracker.stats()).toMatchObject({ pending: 0, dropped: {}, backends: {} });
      expect(logger.lines).toEqual([]);
    });
  });

  afterEach(() => void vi.useRealTimers());
});
