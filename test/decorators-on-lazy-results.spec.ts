import { Readable } from 'node:stream';
import { Injectable, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import fc from 'fast-check';
import mongoose from 'mongoose';
import { lastValueFrom, map, of, type Observable } from 'rxjs';
import { EmitEvent, EventTrackingModule, TrackContext, Tracker } from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Recorder } from './support/http-application.js';
import { databaseUri } from './support/mongo.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();
const logger = new RecordingLogger();
let module: TestingModule;
let tracker: Tracker;

async function provided<T>(type: Type<T>): Promise<T> {
  module = await Test.createTestingModule({
    imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
    providers: [type],
  })
    .setLogger(logger)
    .compile();
  await module.init();
  tracker = module.get(Tracker);
  return module.get(type);
}

beforeEach(() => {
  recorder.clear();
  logger.complaints.length = 0;
});

afterEach(() => module?.close());

const recorded = () => recorder.events.map(({ name, context }) => ({ [name]: context }));
const outcomes = () => recorder.events.map(({ name, data }) => [name, data['value']]).sort();

/** Runs any function as a decorated method, and emits each of its outcomes. */
@Injectable()
class Service {
  @TrackContext('service', { service: true })
  @EmitEvent('success', { data: ({ result }) => ({ value: result as unknown }) })
  @EmitEvent('error', { on: 'error', data: ({ error }) => ({ value: (error as Error).message }) })
  @EmitEvent('settled', { on: 'settled', data: { value: 'any' } })
  work<T>(fn: () => T): T {
    return fn();
  }
}

describe('A decorated generator method', () => {
  it('emits success with the return value when its body has ended', async () => {
    const service = await provided(Service);
    const rows = service.work(function* () {
      yield 1;
      yield 2;
      return 'all';
    });
    expect(recorder.events).toEqual([]);
    expect(rows.next()).toEqual({ done: false, value: 1 });
    expect(recorder.events).toEqual([]);
    expect([...rows]).toEqual([2]);
    expect(rows.next()).toEqual({ done: true, value: undefined });
    expect(outcomes()).toEqual([
      ['settled', 'any'],
      ['success', 'all'],
    ]);
  });

  it('emits error when its body throws, and throws the same error', async () => {
    const fault = new Error('broken');
    const service = await provided(Service);
    const rows = service.work(function* () {
      yield 1;
      throw fault;
    });
    expect(() => [...rows]).toThrow(fault);
    expect(outcomes()).toEqual([
      ['error', 'broken'],
      ['settled', 'any'],
    ]);
  });

  it('emits only settled when its consumer leaves early', async () => {
    const service = await provided(Service);
    const cleanUp = vi.fn();
    for (const row of service.work(function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        cleanUp(tracker.resolveContext());
      }
    })) {
      if (row === 1) break;
    }
    expect(cleanUp).toHaveBeenCalledWith({ service: true });
    expect(outcomes()).toEqual([['settled', 'any']]);
  });

  it('emits nothing when its body never began', async () => {
    const service = await provided(Service);
    const body = vi.fn();
    const rows = service.work(function* () {
      body();
      yield 1;
    });
    expect(rows.return(undefined)).toEqual({ done: true, value: undefined });
    expect(rows.next().done).toBe(true);
    expect(body).not.toHaveBeenCalled();
    expect(recorder.events).toEqual([]);
  });

  it('runs each step inside its context, and its consumer outside', async () => {
    const service = await provided(Service);
    const seen: unknown[] = [];
    const rows = service.work(function* (): Generator<number, void, string> {
      seen.push(tracker.resolveContext());
      seen.push([yield 1, tracker.resolveContext()]);
      tracker.enterContext('body', { body: true });
      seen.push([yield 2, tracker.resolveContext()]);
    });
    tracker.context('consumer', { consumer: true }, () => {
      rows.next();
      rows.next('a');
      expect(tracker.resolveContext()).toEqual({ consumer: true });
    });
    rows.next('b');
    expect(seen).toEqual([
      { service: true },
      ['a', { service: true }],
      ['b', { service: true, body: true }],
    ]);
  });

  it('passes values and errors through yield*', async () => {
    const service = await provided(Service);
    const rows = (function* outer() {
      return yield* service.work(function* (): Generator<string, string, string> {
        try {
          return `returned ${yield 'first'}`;
        } catch (error) {
          return `caught ${(error as Error).message}`;
        }
      });
    })();
    rows.next();
    expect(rows.throw(new Error('thrown'))).toEqual({ done: true, value: 'caught thrown' });
    expect(recorder.only('success').data).toEqual({ value: 'caught thrown' });
  });

  it('is not ended by a step that its own body takes', async () => {
    const service = await provided(Service);
    const rows: Generator<string> = service.work(function* () {
      yield String(catchError(() => rows.next()));
      yield 'still running';
    });
    expect([...rows]).toEqual(['TypeError: Generator is already running', 'still running']);
    expect(recorder.named('success')).toHaveLength(1);
    expect(recorder.named('error')).toHaveLength(0);
  });

  it('returns the same kind of object', async () => {
    const service = await provided(Service);
    function* body() {
      yield 1;
    }
    const rows = service.work(body);
    expect(rows).toBeInstanceOf(body);
    expect(String(rows)).toBe('[object Generator]');
    expect(Object.keys(rows)).toEqual([]);
    expect(rows[Symbol.iterator]()).toBe(rows);
  });

  it('that returns the generator of another decorated method emits once for each of them', async () => {
    class Nested {
      @EmitEvent('outer')
      outer(): Generator<number> {
        return this.inner();
      }

      @EmitEvent('inner')
      *inner(): Generator<number> {
        yield 1;
      }
    }
    expect([...(await provided(Nested)).outer()]).toEqual([1]);
    expect(recorded()).toEqual([{ inner: {} }, { outer: {} }]);
  });

  it('follows generators of compilers that target engines without them', async () => {
    const service = await provided(Service);
    const native = (function* () {
      yield 1;
    })();
    const downlevelled = {
      next: () => native.next(),
      return: (value: undefined) => native.return(value),
      throw: (error: unknown) => native.throw(error),
      [Symbol.iterator]() {
        return this;
      },
    };
    expect([...service.work(() => downlevelled)]).toEqual([1]);
    expect(recorder.named('success')).toHaveLength(1);
  });
});

describe('A decorated method with an asynchronous generator', () => {
  it('emits success when its body has ended, and runs it inside the context', async () => {
    const service = await provided(Service);
    const rows = service.work(async function* () {
      tracker.emit('first');
      yield 1;
      await Promise.resolve();
      tracker.emit('second');
      yield 2;
      return 'all';
    });
    expect(recorder.events).toEqual([]);
    const values: number[] = [];
    for await (const row of rows) {
      values.push(row);
      tracker.emit('consumed');
    }
    expect(values).toEqual([1, 2]);
    expect(recorded()).toEqual([
      { first: { service: true } },
      { consumed: {} },
      { second: { service: true } },
      { consumed: {} },
      { settled: { service: true } },
      { success: { service: true } },
    ]);
  });

  it('emits error when its body throws', async () => {
    const fault = new Error('broken');
    const service = await provided(Service);
    const rows = service.work(async function* () {
      yield 1;
      await Promise.reject(fault);
    });
    await rows.next();
    await expect(rows.next()).rejects.toBe(fault);
    expect(outcomes()).toEqual([
      ['error', 'broken'],
      ['settled', 'any'],
    ]);
  });

  it('emits only settled when a loop breaks, after its clean-up', async () => {
    const service = await provided(Service);
    for await (const row of service.work(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await Promise.resolve();
        tracker.emit('cleaned');
      }
    })) {
      if (row === 1) break;
    }
    expect(recorded()).toEqual([{ cleaned: { service: true } }, { settled: { service: true } }]);
  });

  it('emits once when steps are requested concurrently', async () => {
    const service = await provided(Service);
    const rows = service.work(async function* () {
      for (const row of [1, 2, 3]) {
        await Promise.resolve();
        tracker.emit('row', { row });
        yield row;
      }
    });
    const steps = await Promise.all([1, 2, 3, 4, 5].map(() => rows.next()));
    expect(steps.map(({ value }) => value as unknown)).toEqual([1, 2, 3, undefined, undefined]);
    expect(recorder.named('row').map(({ context }) => context)).toEqual(
      [1, 2, 3].map(() => ({ service: true })),
    );
    expect(recorder.named('success')).toHaveLength(1);
  });

  it('emits nothing when it is left before its body began, even if it is asked again', async () => {
    const service = await provided(Service);
    const rows = service.work(async function* () {
      yield 1;
    });
    await Promise.all([rows.return(undefined), rows.next()]);
    expect(recorder.events).toEqual([]);
  });

  it('keeps the contexts of parallel calls apart', async () => {
    @Injectable()
    class Exports {
      @TrackContext('export', ({ args: [id] }) => ({ id: id as number }))
      async *rows(id: number): AsyncGenerator<void> {
        for (let row = 0; row < 5; row++) {
          await new Promise((resolve) => setImmediate(resolve));
          tracker.emit('row', { id });
          yield;
        }
      }
    }
    const exports = await provided(Exports);
    await Promise.all(
      [1, 2, 3].map(async (id) => {
        for await (const _ of exports.rows(id)) tracker.emit('consumed');
      }),
    );
    for (const { name, data, context } of recorder.events) {
      expect(context).toEqual(name === 'row' ? { id: data['id'] } : {});
    }
  });
});

describe('Decorated generators behave like undecorated ones', () => {
  type Request = { take: 'next' | 'return' | 'throw'; value: number };
  const requests = fc.array(
    fc.record<Request>({
      take: fc.constantFrom('next', 'next', 'next', 'return', 'throw'),
      value: fc.nat(9),
    }),
    { maxLength: 8 },
  );
  const body = fc.record({
    yields: fc.nat(3),
    catches: fc.boolean(),
    cleansUp: fc.boolean(),
    fails: fc.boolean(),
  });

  function* run(
    {
      yields,
      catches,
      cleansUp,
      fails,
    }: { [Key in 'catches' | 'cleansUp' | 'fails']: boolean } & {
      yields: number;
    },
    ended: (outcome: string) => void,
  ): Generator<unknown, unknown, unknown> {
    let outcome = 'left';
    try {
      for (let count = 0; count < yields; count++) {
        try {
          yield [count, yield count];
        } catch (error) {
          if (!catches) throw error;
        }
      }
      if (fails) throw new Error('failed');
      outcome = 'returned';
      return yields;
    } catch (error) {
      outcome = 'threw';
      throw error;
    } finally {
      try {
        if (cleansUp && outcome === 'left') yield 'cleaning up';
      } finally {
        ended(outcome);
      }
    }
  }

  const NAMES: Record<string, string[]> = {
    returned: ['settled', 'success'],
    threw: ['error', 'settled'],
    left: ['settled'],
  };

  it('in any sequence of steps, and emit the outcome of their body', async () => {
    const service = await provided(Service);
    fc.assert(
      fc.property(body, requests, (shape, steps) => {
        recorder.clear();
        const ended = vi.fn<(outcome: string) => void>();
        const plain = run(shape, () => {});
        const decorated = service.work(() => run(shape, ended));
        for (const { take, value } of steps) {
          const argument = take === 'throw' ? new Error(String(value)) : value;
          expect(catchError(() => decorated[take](argument))).toEqual(
            catchError(() => plain[take](argument)),
          );
        }
        const [outcome] = ended.mock.calls[0] ?? [];
        expect(ended.mock.calls.length).toBeLessThanOrEqual(1);
        const thrownWhileLeaving = recorder.named('error').length === 1 && outcome === 'left';
        if (!thrownWhileLeaving) {
          expect(outcomes().map(([name]) => name)).toEqual(
            outcome === undefined ? [] : NAMES[outcome],
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('A decorated method with a lazy query', () => {
  /** Counts its executions; like a query builder, it runs each time it is awaited. */
  class Query {
    readonly clauses: string[] = [];
    executions = 0;
    seen: unknown;

    constructor(private readonly run: () => Promise<unknown>) {}

    sort(): this {
      this.clauses.push('sort');
      return this;
    }

    exec(): Promise<unknown> {
      this.executions++;
      this.seen = tracker.resolveContext();
      return this.run();
    }

    then(...args: Parameters<Promise<unknown>['then']>): Promise<unknown> {
      return this.exec().then(...args);
    }

    catch(onRejected: (error: unknown) => unknown): Promise<unknown> {
      return this.exec().catch(onRejected);
    }

    finally(onSettled: () => void): Promise<unknown> {
      return this.exec().finally(onSettled);
    }
  }

  it('returns the same query, which is not executed and can be chained', async () => {
    const service = await provided(Service);
    const query = new Query(() => Promise.resolve(7));
    expect(service.work(() => query)).toBe(query);
    expect(query.sort()).toBe(query);
    expect([query.executions, query.clauses]).toEqual([0, ['sort']]);
    expect(Object.keys(query)).toEqual(['run', 'clauses', 'executions', 'seen']);
    expect(recorder.events).toEqual([]);
    expect(await query.sort()).toBe(7);
    expect(query.executions).toBe(1);
  });

  it.each<[string, (query: Query) => Promise<unknown>]>([
    ['await', async (query) => await query],
    ['then', (query) => query.then((value) => value)],
    ['catch', (query) => query.catch(() => {})],
    ['finally', (query) => query.finally(() => {})],
    ['exec', (query) => query.exec()],
  ])('emits success and runs inside the context if it is executed by %s', async (_how, execute) => {
    const service = await provided(Service);
    const query = service.work(() => new Query(() => Promise.resolve(7)));
    expect(await execute(query)).toBe(7);
    expect(outcomes()).toEqual([
      ['settled', 'any'],
      ['success', 7],
    ]);
    expect([query.executions, query.seen]).toEqual([1, { service: true }]);
    expect(recorder.only('success').context).toEqual({ service: true });
  });

  it.each<[string, (query: Query) => Promise<unknown>]>([
    ['await', async (query) => await query],
    ['then', (query) => query.then(() => 'not called')],
    ['finally', (query) => query.finally(() => {})],
    ['exec', (query) => query.exec()],
  ])('emits error and rejects with it if it fails in %s', async (_how, execute) => {
    const service = await provided(Service);
    const fault = new Error('unique constraint failed');
    const query = service.work(() => new Query(() => Promise.reject(fault)));
    await expect(execute(query)).rejects.toBe(fault);
    expect(outcomes()).toEqual([
      ['error', 'unique constraint failed'],
      ['settled', 'any'],
    ]);
  });

  it('calls the callbacks of its caller outside the context', async () => {
    const service = await provided(Service);
    const query = service.work(() => new Query(() => Promise.resolve(7)));
    const seen = await tracker.context('caller', { caller: true }, () =>
      query.then(() => tracker.resolveContext()),
    );
    expect(seen).toEqual({ caller: true });
    const failing = service.work(() => new Query(() => Promise.reject(new Error('broken'))));
    expect(await failing.catch(() => tracker.resolveContext())).toEqual({});
  });

  it('emits for its first execution only', async () => {
    const service = await provided(Service);
    const query = service.work(() => new Query(() => Promise.resolve(7)));
    expect([await query, await query]).toEqual([7, 7]);
    expect(query.executions).toBe(2);
    expect(recorder.named('success')).toHaveLength(1);
  });

  it('emits once if two calls return the same query', async () => {
    const service = await provided(Service);
    const query = new Query(() => Promise.resolve(7));
    service.work(() => query);
    await service.work(() => query);
    expect(recorder.named('success')).toHaveLength(1);
  });

  it('emits nothing while it is not executed', async () => {
    const service = await provided(Service);
    service.work(() => new Query(() => Promise.reject(new Error('never runs'))));
    await Promise.resolve();
    expect(recorder.events).toEqual([]);
  });

  it('emits error if its then throws', async () => {
    const service = await provided(Service);
    const fault = new Error('not connected');
    const query = service.work(() => ({
      then(): never {
        throw fault;
      },
    }));
    await expect(Promise.resolve(query as PromiseLike<never>)).rejects.toBe(fault);
    expect(recorder.only('error').data).toEqual({ value: 'not connected' });
  });

  it('emits in its own context if the query calls back from other code', async () => {
    const service = await provided(Service);
    let callBack: ((value: number) => void) | undefined;
    const query = service.work(() => ({
      then(onFulfilled: (value: number) => void) {
        callBack = onFulfilled;
      },
    }));
    const seen = new Promise((resolve) => query.then(() => resolve(tracker.resolveContext())));
    tracker.context('pool', { pool: true }, () => callBack!(7));
    expect(await seen).toEqual({});
    expect(recorder.only('success')).toMatchObject({ context: { service: true } });
  });

  it('stays lazy if it is a subclass of Promise, as those of postgres.js', async () => {
    const service = await provided(Service);
    let runs = 0;
    class LazyPromise extends Promise<number> {
      override then<One, Other>(
        ...args: Parameters<Promise<number>['then']>
      ): Promise<One | Other> {
        runs++;
        return Promise.resolve(7).then(...args) as Promise<One | Other>;
      }
    }
    const query = service.work(() => new LazyPromise(() => {}));
    await Promise.resolve();
    expect([runs, recorder.events]).toEqual([0, []]);
    expect(await query).toBe(7);
    expect(runs).toBe(1);
    expect(recorder.named('success')).toHaveLength(1);
  });

  it('is reported if it is frozen, and not affected', async () => {
    const service = await provided(Service);
    const query = Object.freeze(new Query(() => Promise.resolve(7)));
    const then = vi.fn((resolve: (value: number) => void) => resolve(7));
    const frozen = service.work(() => Object.freeze({ then }));
    expect(service.work(() => query)).toBe(query);
    expect(await frozen).toBe(7);
    expect(recorder.events).toEqual([]);
    expect(logger.complaints).toContainEqual(
      expect.stringMatching(/^Service\.work returned an object that cannot be changed/),
    );
  });

  it('of mongoose keeps its methods and emits when it has run', async () => {
    const service = await provided(Service);
    const connection = await mongoose
      .createConnection(databaseUri(), { serverSelectionTimeoutMS: 5_000 })
      .asPromise();
    try {
      const Course = connection.model('Course', new mongoose.Schema({ name: String }));
      const find = () => service.work(() => Course.find({}));
      await service.work(() => Course.create({ name: 'DemoX' }));
      expect(recorder.named('success')).toHaveLength(1);
      const query = find();
      expect(query).toBeInstanceOf(mongoose.Query);
      const sorted = query.sort({ name: 1 }).limit(1);
      expect(recorder.named('success')).toHaveLength(1);
      expect(await sorted.lean()).toMatchObject([{ name: 'DemoX' }]);
      expect(recorder.named('success')).toHaveLength(2);
      expect(await find().exec()).toHaveLength(1);
      expect(recorder.named('success')).toHaveLength(3);
      await expect(find().sort({ $bad: 1 } as never)).rejects.toThrow();
      expect(recorder.named('success')).toHaveLength(3);
      expect(recorder.named('error')).toHaveLength(1);
      await connection.dropDatabase();
    } finally {
      await connection.close();
    }
  });
});

describe('A decorated method whose promise resolves to further work', () => {
  it('emits when the Observable completes, and subscribes inside the context', async () => {
    const service = await provided(Service);
    const observable: Observable<unknown> = await service.work(async () =>
      of(1, 2).pipe(map(() => tracker.resolveContext())),
    );
    expect(recorder.events).toEqual([]);
    expect(await lastValueFrom(observable)).toEqual({ service: true });
    expect(recorder.named('success')).toHaveLength(1);
  });

  it('emits when the generator has ended', async () => {
    const service = await provided(Service);
    const rows = await service.work(async () =>
      (function* () {
        yield tracker.resolveContext();
      })(),
    );
    expect(recorder.events).toEqual([]);
    expect([...rows]).toEqual([{ service: true }]);
    expect(recorder.named('success')).toHaveLength(1);
  });
});

it('A decorated method that returns a stream emits when it returns', async () => {
  const service = await provided(Service);
  const stream = service.work(() => Readable.from(['a', 'b']));
  expect(recorder.named('success')).toHaveLength(1);
  expect(await stream.toArray()).toEqual(['a', 'b']);
  expect(recorder.named('success')).toHaveLength(1);
});

function catchError(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return error;
  }
}
