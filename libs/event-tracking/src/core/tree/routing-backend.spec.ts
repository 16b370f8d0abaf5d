import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventStats } from './event-stats.js';
import type { Backend } from './backend.js';
import {
  EventEmissionExit,
  ImproperlyConfigured,
  NoBackendEnabled,
  NoTransformerImplemented,
} from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';
import type { Processor } from './processor.js';
import { RoutingBackend } from './routing-backend.js';
import { Tracker } from '../tracker/tracker.js';

class RecordingBackend implements Backend {
  readonly events: TrackingEvent[] = [];
  send(event: TrackingEvent): void {
    this.events.push(event);
  }
  get names(): string[] {
    return this.events.map(({ name }) => name);
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

function event(name = 'course.enrolled', data: Record<string, unknown> = {}): TrackingEvent {
  return { id: '018f', name, timestamp: new Date(0), context: {}, data };
}

const failing = (fault: unknown): Backend => ({
  send() {
    throw fault;
  },
});

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const lost = ({ dropped }: EventStats): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0);

function expectBalance(accounts: Record<string, EventStats>): void {
  for (const [path, account] of Object.entries(accounts)) {
    const { arrived, delivered, filtered, pending } = account;
    expect({ path, arrived }).toEqual({
      path,
      arrived: delivered + filtered + pending + lost(account),
    });
  }
}

describe('RoutingBackend', () => {
  let logger: RecordingLogger;
  const unhandled = vi.fn();

  beforeEach(() => {
    logger = new RecordingLogger();
    unhandled.mockClear();
    process.on('unhandledRejection', unhandled);
  });
  afterEach(async () => {
    await tick();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  /** Creates a tracker with a recording logger. */
  const trackerOf = (options: {
    backends?: Record<string, Backend>;
    processors?: Processor[];
  }): Tracker => new Tracker({ ...options, logger });

  describe('order', () => {
    const called: string[] = [];
    const noting = (name: string): Backend => ({ send: () => void called.push(name) });

    beforeEach(() => void called.splice(0));

    it('calls backends in code-point order of their names', () => {
      const names = ['b', 'a', '_', 'B', '9', '10', '\u{1F600}', '\uFFFD'];
      const router = new RoutingBackend({
        backends: Object.fromEntries(names.map((name) => [name, noting(name)])),
      });
      router.send(event());
      expect(called).toEqual(['10', '9', 'B', '_', 'a', 'b', '\uFFFD', '\u{1F600}']);
      expect([...router.backends.keys()]).toEqual(called);
    });

    it('sorts the backends of a Map too', () => {
      new RoutingBackend({
        backends: new Map([
          ['b', noting('b')],
          ['a', noting('a')],
        ]),
      }).send(event());
      expect(called).toEqual(['a', 'b']);
    });

    it('appends a backend that is registered later', () => {
      const router = new RoutingBackend({ backends: { b: noting('b'), c: noting('c') } });
      router.registerBackend('a', noting('a'));
      router.send(event());
      expect(called).toEqual(['b', 'c', 'a']);
    });

    it('runs processors in sequence, later registered ones last', () => {
      const adding =
        (letter: string): Processor =>
        (input) => ({ ...input, name: `${letter}(${input.name})` });
      const recorder = new RecordingBackend();
      const router = new RoutingBackend({
        processors: [adding('a'), adding('b')],
        backends: { recorder },
      });
      router.registerProcessor(adding('c'));
      router.send(event('event'));
      expect(recorder.names).toEqual(['c(b(a(event)))']);
      expect(router.processors).toHaveLength(3);
    });
  });

  describe('configuration', () => {
    const refused = (make: () => unknown, message: RegExp): void => {
      expect(make).toThrow(ImproperlyConfigured);
      expect(make).toThrow(message);
    };
    const recorder = new RecordingBackend();

    it('rejects a backend without send, with its path and value', () => {
      refused(
        () => new RoutingBackend({ backends: { x: {} as Backend } }),
        /^backends\.x: .*send\(event\)/,
      );
      refused(
        () => new RoutingBackend({ backends: { x: null as unknown as Backend } }),
        /received null/,
      );
      refused(
        () => new RoutingBackend({ backends: { x: RecordingBackend as unknown as Backend } }),
        /new RecordingBackend\(/,
      );
    });

    it('rejects a duplicate name', () => {
      const router = new RoutingBackend({ backends: { a: recorder } });
      refused(() => router.registerBackend('a', recorder), /^backends\.a: .*already registered/);
      expect(router.backends.size).toBe(1);
    });

    it('rejects names that are empty, contain a dot or are not strings', () => {
      refused(() => new RoutingBackend({ backends: { 'a.b': recorder } }), /dots.*'a_b'/);
      refused(
        () => new RoutingBackend({ backends: { '': recorder } }),
        /name must be a non-empty string/,
      );
      for (const name of [5, Symbol('x'), null, undefined, {}]) {
        const backends = new Map([
          [name, recorder],
          ['z', recorder],
        ]) as unknown as Map<string, Backend>;
        refused(() => new RoutingBackend({ backends }), /name must be a non-empty string/);
      }
    });

    it('rejects backends without names', () => {
      for (const backends of [[recorder], recorder, 'log', 5, true]) {
        refused(
          () => new RoutingBackend({ backends: backends as unknown as Record<string, Backend> }),
          /by name/,
        );
      }
    });

    it('rejects processors that are not a list', () => {
      for (const processors of [() => {}, { filter: () => true }, 'x', 5]) {
        refused(
          () => new RoutingBackend({ processors: processors as unknown as Processor[] }),
          /list of processors/,
        );
      }
    });

    it('rejects an invalid processor, with its place in the tree', () => {
      refused(
        () => new RoutingBackend({ processors: [() => {}, {} as Processor] }),
        /^processors\[1\]: must be a processor/,
      );
      class Filter {
        filter(): boolean {
          return true;
        }
      }
      refused(
        () => new RoutingBackend({ processors: [Filter as unknown as Processor] }),
        /new Filter\(/,
      );
      const inner = new RoutingBackend();
      trackerOf({ backends: { outer: new RoutingBackend({ backends: { inner } }) } });
      refused(
        () => inner.registerProcessor(5 as unknown as Processor),
        /^backends\.outer\.inner\.processors\[0\]: .*the number 5/,
      );
      refused(
        () => inner.registerBackend('x', 5 as unknown as Backend),
        /^backends\.outer\.inner\.x: /,
      );
    });
  });

  describe('isolation', () => {
    it('does not change the received event', () => {
      const given = event('a', { list: [1] });
      const spoil: Processor = (input) => {
        (input.data['list'] as number[]).push(2);
        input.timestamp.setTime(5);
        input.context['x'] = 1;
      };
      const router = new RoutingBackend({
        processors: [spoil],
        backends: { recorder: new RecordingBackend() },
      });
      router.send(given);
      router.processEvent(given);
      expect(given).toEqual(event('a', { list: [1] }));
    });

    it('hides the changes of a backend from its siblings', () => {
      const spoiling = (): Backend & RecordingBackend => {
        const recorder = new RecordingBackend();
        return Object.assign(recorder, {
          send(input: TrackingEvent) {
            recorder.events.push(structuredClone(input));
            input.data['list'] = 'spoiled';
            input.context['nested'] = 'spoiled';
            input.timestamp.setTime(5);
            (input as { _id?: string })._id = 'spoiled';
          },
        });
      };
      const [a, b, c, d] = [spoiling(), spoiling(), spoiling(), spoiling()];
      const node = new RoutingBackend({
        backends: { b, c },
        processors: [(input) => void (input.data['node'] = true)],
      });
      const router = new RoutingBackend({ backends: { a, node, z: d } });
      router.send(event('a', { list: [1] }));
      expect(a.events).toEqual([event('a', { list: [1] })]);
      expect(b.events).toEqual([event('a', { list: [1], node: true })]);
      expect(c.events).toEqual(b.events);
      expect(d.events).toEqual(a.events);
    });

    it('hides later changes to objects that a processor put into an event', async () => {
      const session = { pages: 1 };
      const [first, last] = [new RecordingBackend(), new RecordingBackend()];
      const tracker = trackerOf({
        processors: [
          ({ data }) => {
            data['session'] = session;
            data['map'] = new Map([['a', 1]]);
          },
          async ({ data }) => {
            await tick();
            data['late'] = true;
          },
        ],
        backends: { first, last },
      });
      tracker.emit('a');
      session.pages++;
      await tick();
      const data = { session: { pages: 1 }, map: [['a', 1]] };
      expect(first.events.map((each) => each.data)).toEqual([data]);
      expect(last.events.map((each) => each.data)).toEqual([data]);
    });

    it('protects objects that a processor put into an event from changes in branches', () => {
      const user = { id: 7, email: 'ada@example.org' };
      const [all, anonymous] = [new RecordingBackend(), new RecordingBackend()];
      const tracker = trackerOf({
        processors: [({ context }) => void (context['user'] = user)],
        backends: {
          all,
          anonymous: new RoutingBackend({
            processors: [
              ({ context }) => void delete (context['user'] as Partial<typeof user>).email,
            ],
            backends: { anonymous },
          }),
        },
      });
      tracker.emit('a');
      tracker.emit('b');
      expect(user.email).toBe('ada@example.org');
      expect(all.events.map(({ context }) => context)).toEqual([{ user }, { user }]);
      expect(anonymous.events.map(({ context }) => context)).toEqual([
        { user: { id: 7 } },
        { user: { id: 7 } },
      ]);
    });

    it('passes equal events to siblings at any depth', () => {
      let deep: Record<string, unknown> = {};
      for (let level = 0; level < 150; level++) deep = { deep };
      const [a, b] = [new RecordingBackend(), new RecordingBackend()];
      trackerOf({ backends: { a, b } }).emit('deep', deep);
      expect(a.events).toStrictEqual(b.events);
    });
  });

  describe('processors', () => {
    const through = (
      ...processors: Processor[]
    ): { recorder: RecordingBackend; tracker: Tracker } => {
      const recorder = new RecordingBackend();
      return { recorder, tracker: trackerOf({ processors, backends: { recorder } }) };
    };
    const rootOf = (tracker: Tracker): EventStats => tracker.stats().backends['']!;

    it.each([undefined, null])('keep the changed event if they return %s', (nothing) => {
      const { recorder, tracker } = through((input) => {
        input.data['added'] = 1;
        return nothing as undefined;
      });
      tracker.emit('a');
      expect(recorder.events).toMatchObject([{ name: 'a', data: { added: 1 } }]);
      expect(logger.lines).toEqual([]);
    });

    it('can be objects, whose methods keep their this', () => {
      class Stamp {
        #stamps = 0;
        process(input: TrackingEvent): void {
          input.data['stamp'] = ++this.#stamps;
        }
      }
      const { recorder, tracker } = through(new Stamp());
      tracker.emit('a');
      tracker.emit('b');
      expect(recorder.events.map(({ data }) => data)).toEqual([{ stamp: 1 }, { stamp: 2 }]);
    });

    it('drop an event for the whole node by EventEmissionExit, which is counted but not logged', () => {
      const [below, beside] = [new RecordingBackend(), new RecordingBackend()];
      const later = vi.fn();
      const exit = (): never => {
        throw new EventEmissionExit();
      };
      const node = new RoutingBackend({
        processors: [exit, later],
        backends: { below, deeper: new RoutingBackend({ backends: { below } }) },
      });
      const tracker = trackerOf({ backends: { node, beside } });
      tracker.emit('a');
      expect(below.events).toEqual([]);
      expect(later).not.toHaveBeenCalled();
      expect(beside.names).toEqual(['a']);
      expect(tracker.stats().backends['node']).toMatchObject({
        arrived: 1,
        filtered: 1,
        delivered: 0,
      });
      expect(tracker.stats().backends['node.deeper']).toMatchObject({ arrived: 0 });
      expect(logger.lines).toEqual([]);
    });

    it('are skipped if they fail; their earlier changes remain, and the failure is logged', () => {
      const { recorder, tracker } = through(
        function enrich(input) {
          input.data['half'] = true;
          throw new Error('no database');
        },
        (input) => void (input.data['next'] = true),
      );
      tracker.emit('course.enrolled');
      expect(recorder.events).toMatchObject([{ data: { half: true, next: true } }]);
      expect(logger.lines).toEqual([
        expect.stringMatching(/enrich.*'course\.enrolled'.*no database/),
      ]);
    });

    it('are skipped, with a log message, if they return an invalid event', () => {
      const strangers = [
        {},
        [],
        0,
        false,
        '',
        'x',
        { name: 'a' },
        new Date(),
        { ...event(), timestamp: 'now' },
        revokedProxy(),
      ];
      const { recorder, tracker } = through(
        ...strangers.map((stranger) => (() => stranger) as unknown as Processor),
      );
      tracker.emit('a', { kept: true });
      expect(recorder.events).toMatchObject([{ name: 'a', data: { kept: true } }]);
      expect(logger.lines.length).toBe(10);
      expect(logger.lines[0]).toMatch(/returned an object with no keys, which is not an event/);
    });

    it.each([
      ['a promise', () => Promise.resolve(event('late'))],
      ['a promise that rejects', () => Promise.reject(new Error('late'))],
      ['a thenable without catch', () => ({ then: (done: (value: unknown) => void) => done(1) })],
    ])('that return %s are logged if they are not behind a queue', (_, answer) => {
      const { recorder, tracker } = through(answer as unknown as Processor);
      tracker.emit('a');
      expect(recorder.names).toEqual(['a']);
      expect(logger.lines).toEqual([
        expect.stringMatching(/a promise, which only nodes behind a queue can await/),
      ]);
    });

    it('that are filters accept or drop events, which is counted but not logged', () => {
      const { recorder, tracker } = through({ filter: ({ name }) => name === 'a' });
      tracker.emit('a');
      tracker.emit('b');
      expect(recorder.names).toEqual(['a']);
      expect(rootOf(tracker)).toMatchObject({ arrived: 2, filtered: 1, delivered: 1, dropped: {} });
      expect(logger.lines).toEqual([]);
    });

    it.each([
      [
        'throw',
        () => {
          throw new Error('cannot tell');
        },
      ],
      ['answer a promise', () => Promise.resolve(true)],
      ['answer a promise that rejects', () => Promise.reject(new Error('cannot tell'))],
    ])(
      'that are filters and %s fail closed: the event is dropped, counted and logged',
      (_, filter) => {
        const { recorder, tracker } = through({ filter: filter as unknown as () => boolean });
        tracker.emit('a');
        expect(recorder.events).toEqual([]);
        expect(rootOf(tracker)).toMatchObject({
          arrived: 1,
          dead: 0,
          retried: 0,
          filtered: 0,
          delivered: 0,
          dropped: { filter_failed: 1 },
        });
        expect(logger.lines).toEqual([expect.stringMatching(/'a'.*The event is dropped/)]);
      },
    );

    it('that make the event invalid do not affect other nodes', () => {
      const hostile = {
        toString() {
          throw new Error('no');
        },
      };
      for (const name of [undefined, Symbol('x'), hostile, revokedProxy()]) {
        const recorder = new RecordingBackend();
        const tracker = trackerOf({
          backends: { a: failing(new Error('down')), b: recorder, c: failing(new Error('down')) },
          processors: [
            (input) => void ((input as { name: unknown }).name = name),
            () => {
              throw new Error('next');
            },
          ],
        });
        tracker.emit('a');
        expect(recorder.events).toHaveLength(1);
        expect(tracker.stats()).toMatchObject({ delivered: 1, dropped: {} });
        expectBalance(tracker.stats().backends);
      }
    });
  });

  describe('backends', () => {
    it.each([
      [
        'throws',
        () => {
          throw new Error('disk full');
        },
      ],
      ['rejects', () => Promise.reject(new Error('disk full'))],
      [
        'returns a thenable that rejects',
        () => ({
          then: (_: unknown, fail: (fault: Error) => void) => fail(new Error('disk full')),
        }),
      ],
      [
        'returns a thenable that throws',
        () => ({
          then() {
            throw new Error('disk full');
          },
        }),
      ],
    ])(
      'that %s are logged with event name and path, counted, and do not affect siblings',
      async (_, send) => {
        const [before, after] = [new RecordingBackend(), new RecordingBackend()];
        const node = new RoutingBackend({ backends: { mongo: { send: send as () => void } } });
        const tracker = trackerOf({ backends: { a: before, warehouse: node, z: after } });
        tracker.emit('course.enrolled');
        await tracker.flush();
        expect([before.names, after.names]).toEqual([['course.enrolled'], ['course.enrolled']]);
        expect(logger.lines).toEqual([
          expect.stringMatching(/'course\.enrolled'.*'warehouse\.mongo'.*disk full/),
        ]);
        expect(tracker.stats().backends['warehouse.mongo']).toEqual({
          arrived: 1,
          dead: 0,
          retried: 0,
          delivered: 0,
          filtered: 0,
          pending: 0,
          dropped: { failed: 1 },
        });
      },
    );

    it.each([new NoTransformerImplemented(), new NoBackendEnabled()])(
      'that throw %s count the event as filtered and log nothing',
      async (signal) => {
        const tracker = trackerOf({
          backends: { sync: failing(signal), async: { send: () => Promise.reject(signal) } },
        });
        tracker.emit('a');
        await tracker.flush();
        for (const path of ['sync', 'async']) {
          expect(tracker.stats().backends[path]).toMatchObject({
            arrived: 1,
            filtered: 1,
            dropped: {},
          });
        }
        expect(logger.lines).toEqual([]);
      },
    );

    it('that throw EventEmissionExit have failed', () => {
      const after = new RecordingBackend();
      const tracker = trackerOf({ backends: { a: failing(new EventEmissionExit()), b: after } });
      tracker.emit('a');
      expect(after.names).toEqual(['a']);
      expect(tracker.stats().backends['a']).toMatchObject({
        filtered: 0,
        dropped: { failed: 1 },
      });
      expect(logger.lines).toEqual([expect.stringMatching(/'a'.*EventEmissionExit/)]);
    });

    it('that throw any value do not affect the caller', () => {
      for (const fault of [
        undefined,
        null,
        'text',
        Symbol('x'),
        revokedProxy(),
        Object.create(null),
        { toString: null },
      ]) {
        const after = new RecordingBackend();
        const tracker = trackerOf({ backends: { a: failing(fault), b: after } });
        tracker.emit('a');
        expect(after.names).toEqual(['a']);
        expect(tracker.stats().backends['a']).toMatchObject({ dropped: { failed: 1 } });
      }
      expect(logger.lines).toHaveLength(7);
    });

    it('count an event as pending until their promise settles', async () => {
      const { promise, resolve } = deferred();
      const tracker = trackerOf({ backends: { slow: { send: () => promise } } });
      tracker.emit('a');
      expect(tracker.stats().backends['slow']).toMatchObject({
        arrived: 1,
        pending: 1,
        delivered: 0,
      });
      resolve();
      await tracker.flush();
      expect(tracker.stats().backends['slow']).toMatchObject({
        arrived: 1,
        pending: 0,
        delivered: 1,
      });
    });

    it('keep their this', () => {
      const recorder = new RecordingBackend();
      new RoutingBackend({ backends: { recorder } }).send(event());
      expect(recorder.names).toEqual(['course.enrolled']);
    });
  });

  describe('as a backend itself', () => {
    it('can be called with an invalid event', () => {
      const router = new RoutingBackend({
        backends: { recorder: new RecordingBackend(), broken: failing(new Error('x')) },
      });
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      for (const stranger of [undefined, null, 5, revokedProxy()]) {
        expect(() => router.send(stranger as unknown as TrackingEvent)).not.toThrow();
      }
      error.mockRestore();
      expectBalance(router.stats());
    });

    it('uses the send method of a subclass', async () => {
      const recorder = new RecordingBackend();
      class Doubling extends RoutingBackend {
        override send(input: TrackingEvent): void {
          super.send(input);
          super.send({ ...input, name: `${input.name}.again` });
        }
      }
      class Refusing extends RoutingBackend {
        override send(): never {
          throw new Error('refused');
        }
      }
      const tracker = trackerOf({
        backends: { doubling: new Doubling({ backends: { recorder } }), refusing: new Refusing() },
      });
      tracker.emit('a');
      expect(recorder.names).toEqual(['a', 'a.again']);
      expect(logger.lines).toEqual([expect.stringMatching(/'a'.*'refusing'.*refused/)]);
      expect(tracker.stats().backends).toMatchObject({
        doubling: { arrived: 1, delivered: 1 },
        'doubling.recorder': { arrived: 2, delivered: 2 },
        refusing: { arrived: 1, dropped: { failed: 1 } },
      });
    });

    it('works in the tree of another copy of the package', async () => {
      vi.resetModules();
      const theirs = await import('./routing-backend.js');
      expect(theirs.RoutingBackend).not.toBe(RoutingBackend);
      const recorder = new RecordingBackend();
      const node = new theirs.RoutingBackend({
        backends: { recorder, broken: failing(new Error('down')) },
      });
      const tracker = trackerOf({ backends: { node: node as unknown as RoutingBackend } });
      tracker.emit('a');
      expect(recorder.names).toEqual(['a']);
      expect(logger.lines).toEqual([expect.stringMatching(/'node\.broken'.*down/)]);
      expect(tracker.getBackend('node.recorder')).toBe(recorder);
      expect(tracker.stats().backends['node.broken']).toMatchObject({ dropped: { failed: 1 } });
    });

    it('has complete paths after it is attached to a tree', () => {
      const leaf = new RoutingBackend({ backends: { broken: failing(new Error('down')) } });
      const middle = new RoutingBackend();
      middle.registerBackend('leaf', leaf);
      const tracker = trackerOf({});
      tracker.registerBackend('middle', middle);
      tracker.emit('a');
      expect(logger.lines).toEqual([expect.stringContaining("'middle.leaf.broken'")]);
      expect(Object.keys(tracker.stats().backends)).toEqual([
        '',
        'middle',
        'middle.leaf',
        'middle.leaf.broken',
      ]);
    });
  });

  describe('processEvent', () => {
    it('returns the processed event', () => {
      const router = new RoutingBackend({ processors: [(input) => ({ ...input, name: 'b' })] });
      expect(router.processEvent(event('a'))).toEqual(event('b'));
    });

    it('throws EventEmissionExit for an event that a filter drops or fails on', () => {
      const broken: Processor = {
        filter: () => {
          throw new Error('x');
        },
      };
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      for (const processor of [
        { filter: () => false },
        broken,
        () => {
          throw new EventEmissionExit();
        },
      ]) {
        expect(() =>
          new RoutingBackend({ processors: [processor] }).processEvent(event('a')),
        ).toThrow(EventEmissionExit);
      }
      error.mockRestore();
    });
  });

  describe('sendToBackends', () => {
    it('skips the processors', () => {
      const recorder = new RecordingBackend();
      new RoutingBackend({
        backends: { recorder },
        processors: [{ filter: () => false }],
      }).sendToBackends(event('a'));
      expect(recorder.names).toEqual(['a']);
    });
  });

  describe('flush and close', () => {
    const recording = (calls: string[], name: string): Backend => ({
      send() {},
      flush: async () => void calls.push(`flush ${name}`),
      close: async () => void calls.push(`close ${name}`),
    });

    it('reach every backend of the tree, flush before close', async () => {
      const calls: string[] = [];
      const router = new RoutingBackend({
        backends: {
          a: recording(calls, 'a'),
          n: new RoutingBackend({ backends: { b: recording(calls, 'b') } }),
          plain: { send() {} },
        },
      });
      await router.flush();
      expect(calls).toEqual(['flush a', 'flush b']);
      calls.length = 0;
      await router.close();
      expect(calls.indexOf('flush b')).toBeLessThan(calls.indexOf('close a'));
      expect(calls.filter((call) => call.startsWith('close'))).toEqual(['close a', 'close b']);
    });

    it('never reject, and log failures', async () => {
      const fail = (): never => {
        throw new Error('gone');
      };
      const tracker = trackerOf({
        backends: {
          a: { send() {}, flush: fail, close: async () => fail() },
          n: new RoutingBackend({
            backends: { b: { send() {}, flush: async () => fail(), close: fail } },
          }),
        },
      });
      await tracker.flush();
      expect(logger.lines).toEqual([
        expect.stringMatching(/flush.*'a'.*gone/),
        expect.stringMatching(/flush.*'n\.b'.*gone/),
      ]);
      await expect(tracker.close()).resolves.toBeUndefined();
      expect(logger.lines).toContainEqual(expect.stringMatching(/close.*'n\.b'.*gone/));
    });

    it('wait for earlier events, but not for events that are sent meanwhile', async () => {
      const sends: (() => void)[] = [];
      const router = new RoutingBackend({
        backends: { slow: { send: () => new Promise<void>((resolve) => sends.push(resolve)) } },
      });
      router.send(event('first'));
      let flushed = false;
      const flush = router.flush().then(() => (flushed = true));
      await tick();
      expect(flushed).toBe(false);
      router.send(event('second'));
      sends[0]!();
      await flush;
      expect(router.stats()['slow']).toMatchObject({ delivered: 1, pending: 1 });
      sends[1]!();
    });

    it('resolve early when the signal aborts', async () => {
      const never = new Promise<void>(() => {});
      const router = new RoutingBackend({
        backends: {
          a: { send: () => never },
          b: { send() {}, flush: () => never, close: () => never },
        },
      });
      router.send(event());
      const controller = new AbortController();
      const closed = router.close({ signal: controller.signal });
      await tick();
      controller.abort();
      await closed;
      await router.flush({ signal: AbortSignal.abort() });
      expect(router.stats()['a']).toMatchObject({ pending: 1 });
    });

    it('pass the signal to backends, and remove their listeners', async () => {
      const { signal } = new AbortController();
      const [add, remove] = [
        vi.spyOn(signal, 'addEventListener'),
        vi.spyOn(signal, 'removeEventListener'),
      ];
      const flush = vi.fn(async () => {});
      await new RoutingBackend({ backends: { a: { send() {}, flush } } }).flush({ signal });
      expect(flush).toHaveBeenCalledWith({ signal });
      expect(add.mock.calls.length).toBeGreaterThan(0);
      expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
    });
  });

  describe('trees of any shape', () => {
    type Step = 'pass' | 'mark' | 'exit a' | 'only a' | 'throw' | 'filter_failed b';
    type Node = { steps: Step[]; children: Record<string, Node | Leaf> };
    type Leaf = { leaf: 'ok' | 'throws' | 'rejects' | 'resolves' | 'none'; spoils: boolean };

    const leaf = fc.record({
      leaf: fc.constantFrom('ok', 'throws', 'rejects', 'resolves', 'none'),
      spoils: fc.boolean(),
    });
    const steps = fc.array(
      fc.constantFrom<Step>('pass', 'mark', 'exit a', 'only a', 'throw', 'filter_failed b'),
      { maxLength: 3 },
    );
    const tree = fc.letrec<{ node: Node; child: Node | Leaf }>((tie) => ({
      node: fc.record({
        steps,
        children: fc.dictionary(fc.constantFrom('x', 'y', 'z', 'Z', '9', '10'), tie('child'), {
          maxKeys: 3,
          noNullPrototype: true,
        }),
      }) as fc.Arbitrary<Node>,
      child: fc.oneof({ maxDepth: 4 }, leaf as fc.Arbitrary<Leaf>, tie('node')),
    })).node;

    /** A name and its number of marks: all that the steps above can change. */
    type Seen = { name: string; marks: number };
    type Delivery = Seen & { path: string };

    const isLeaf = (node: Node | Leaf): node is Leaf => 'leaf' in node;

    function stepOf(step: Step): Processor {
      switch (step) {
        case 'pass':
          return () => {};
        case 'mark':
          return (input) => ({ ...input, data: { marks: Number(input.data['marks'] ?? 0) + 1 } });
        case 'exit a':
          return (input) => {
            if (input.name === 'a') throw new EventEmissionExit();
          };
        case 'only a':
          return { filter: ({ name }) => name === 'a' };
        case 'throw':
          return () => {
            throw new Error('broken');
          };
        case 'filter_failed b':
          return {
            filter: ({ name }) => {
              if (name === 'b') throw new Error('cannot tell');
              return true;
            },
          };
      }
    }

    function backendOf(node: Node | Leaf, path: string, deliveries: Delivery[]): Backend {
      if (!isLeaf(node)) {
        const children = Object.entries(node.children).map(([name, child]) => {
          return [
            name,
            backendOf(child, path === '' ? name : `${path}.${name}`, deliveries),
          ] as const;
        });
        return new RoutingBackend({
          processors: node.steps.map(stepOf),
          backends: Object.fromEntries(children),
        });
      }
      return {
        send(input): void | Promise<void> {
          deliveries.push({ path, name: input.name, marks: Number(input.data['marks'] ?? 0) });
          if (node.spoils) Object.assign(input, { name: 'spoiled', data: { marks: 99 } });
          if (node.leaf === 'throws') throw new Error('down');
          if (node.leaf === 'none') throw new NoTransformerImplemented();
          if (node.leaf === 'rejects') return Promise.reject(new Error('down'));
          if (node.leaf === 'resolves') return Promise.resolve();
        },
      };
    }

    /** Returns the expected deliveries, computed without sharing, catching or counting. */
    function expected(node: Node | Leaf, path: string, { name, marks }: Seen): Delivery[] {
      if (isLeaf(node)) return [{ path, name, marks }];
      let marked = marks;
      for (const step of node.steps) {
        if (step === 'mark') marked++;
        if (
          (step === 'exit a' && name === 'a') ||
          (step === 'only a' && name !== 'a') ||
          (step === 'filter_failed b' && name === 'b')
        ) {
          return [];
        }
      }
      const inOrder = Object.entries(node.children).sort(([a], [b]) => (a < b ? -1 : 1));
      return inOrder.flatMap(([child, below]) =>
        expected(below, path === '' ? child : `${path}.${child}`, { name, marks: marked }),
      );
    }

    it('deliver the same events as a naive model, in its order, with balanced stats', async () => {
      await fc.assert(
        fc.asyncProperty(
          tree,
          fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 6 }),
          async (root, names) => {
            const deliveries: Delivery[] = [];
            const built = backendOf(root, '', deliveries) as RoutingBackend;
            const tracker = trackerOf({ processors: [...built.processors] });
            for (const [name, child] of built.backends) tracker.registerBackend(name, child);
            for (const name of names) tracker.emit(name);

            expect(deliveries).toEqual(
              names.flatMap((name) => expected(root, '', { name, marks: 0 })),
            );
            expectBalance(tracker.stats().backends);
            await tracker.flush();
            const { backends, ...own } = tracker.stats();
            expectBalance({ ...backends, tracker: own });
            for (const [path, account] of Object.entries(backends)) {
              expect(account.pending).toBe(0);
              const arrivals = deliveries.filter((delivery) => delivery.path === path).length;
              if (arrivals > 0)
                expect({ path, arrived: account.arrived }).toEqual({ path, arrived: arrivals });
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  });
});

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
