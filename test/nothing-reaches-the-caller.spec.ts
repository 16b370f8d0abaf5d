import { Controller, Get, Module } from '@nestjs/common';
import {
  EventTrackingModule,
  Tracker,
  type Backend,
  type ProcessorDefinition,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADAPTERS, listen, Recorder } from './support/http-application.js';

/** Returns an object of which every access throws. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const deep = (): object => {
  let nested: object = {};
  for (let level = 0; level < 50_000; level++) nested = { nested };
  return nested;
};

const circular = (): object => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  return circle;
};

/** Arguments that a caller may pass by mistake or by malice. */
const PASSED: Record<string, () => [name: unknown, data: unknown]> = {
  'no name and no data': () => [undefined, undefined],
  'a symbol and a bigint': () => [Symbol('name'), 10n],
  'a name that cannot be converted to a string': () => [Object.create(null), {}],
  'revoked proxies': () => [revoked(), revoked()],
  'circular data': () => ['name', circular()],
  '50,000 levels': () => ['name', deep()],
  'a getter that throws': () => [
    'name',
    {
      get bad() {
        throw new Error('no');
      },
      good: 1,
    },
  ],
  'toJSON that throws': () => [
    'name',
    {
      toJSON() {
        throw new Error('no');
      },
    },
  ],
  'a promise that rejects': () => {
    const data = Promise.reject(new Error('nobody handles me'));
    data.catch(() => {});
    return ['name', { data }];
  },
  'dangerous keys': () => [
    'name',
    JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
  ],
  functions: () => ['name', { run() {}, Class: class {} }],
  'an array': () => ['name', [1, 2, 3]],
};

const thrown: Record<string, () => unknown> = {
  'an error': () => new Error('broken'),
  'a string': () => 'broken',
  nothing: () => undefined,
  'a revoked proxy': revoked,
  'an object whose message throws': () => ({
    get message() {
      throw new Error('no');
    },
  }),
};

const faults = Object.entries(thrown).flatMap(([what, make]): [string, () => unknown][] => [
  [
    `throws ${what}`,
    () => {
      throw make();
    },
  ],
  [`rejects with ${what}`, () => Promise.reject(make())],
]);

let surfaced: unknown[] = [];
const surface = (reason: unknown): void => void surfaced.push(reason);

beforeEach(() => {
  surfaced = [];
  process.on('unhandledRejection', surface).on('uncaughtException', surface);
});

afterEach(async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', surface).off('uncaughtException', surface);
  expect(surfaced).toEqual([]);
});

describe.each(ADAPTERS)('On %s, the code that emits is not affected by', (adapter) => {
  async function answerOf(
    emitting: (tracker: Tracker) => void,
    backends: Record<string, Backend>,
    processors: ProcessorDefinition[] = [],
  ) {
    @Controller()
    class AnyController {
      constructor(private readonly tracker: Tracker) {}

      @Get()
      get(): string {
        emitting(this.tracker);
        return 'answered';
      }
    }
    @Module({
      imports: [EventTrackingModule.forRoot({ backends, processors })],
      controllers: [AnyController],
    })
    class AppModule {}
    await using served = await listen(adapter, AppModule);
    const response = await fetch(served.url);
    expect([response.status, await response.text()]).toEqual([200, 'answered']);
    await served.app.get(Tracker).flush();
    return served.app.get(Tracker).stats();
  }

  it.each(Object.entries(PASSED))('arguments of any kind: %s', async (_what, make) => {
    const recorder = new Recorder();
    const [name, data] = make();
    const stats = await answerOf((tracker) => tracker.emit(name as string, data as object), {
      recorder,
    });
    expect(stats).toMatchObject({ arrived: 1, delivered: 1, dropped: {} });
    const [event] = recorder.events;
    expect(event!.name).toBeTypeOf('string');
    expect(() => JSON.stringify(event)).not.toThrow();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each(faults)(
    'a backend that %s; its siblings receive the event, and the failure is counted',
    async (_how, send) => {
      const recorder = new Recorder();
      const stats = await answerOf((tracker) => tracker.emit('event'), {
        a_broken: { send: send as () => void },
        recorder,
        z_broken: { send: send as () => void },
      });
      expect(recorder.named('event')).toHaveLength(1);
      for (const path of ['a_broken', 'z_broken']) {
        expect(stats.backends[path]).toMatchObject({
          arrived: 1,
          delivered: 0,
          dropped: { failed: 1 },
          pending: 0,
        });
      }
      expect(stats.backends['recorder']).toMatchObject({ arrived: 1, delivered: 1 });
    },
  );

  it.each(faults)('a processor that %s; the event is delivered', async (_how, process) => {
    const recorder = new Recorder();
    await answerOf((tracker) => tracker.emit('event'), { recorder }, [
      process as () => void,
      () => {},
    ]);
    expect(recorder.named('event')).toHaveLength(1);
  });

  it.each(faults)('a filter that %s; the event is dropped and counted', async (_how, filter) => {
    const recorder = new Recorder();
    const stats = await answerOf((tracker) => tracker.emit('event'), { recorder }, [
      { filter: filter as () => boolean },
    ]);
    expect(recorder.events).toEqual([]);
    expect(stats.backends['']).toMatchObject({
      arrived: 1,
      delivered: 0,
      dropped: { filter_failed: 1 },
    });
  });
});
