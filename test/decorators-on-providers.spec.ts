import { Injectable, Module, Scope, SetMetadata, type Provider, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  firstValueFrom,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  startWith,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  ImproperlyConfigured,
  registerTracker,
  TrackContext,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './support/deferred.js';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();
const audit = new Recorder();
const logger = new RecordingLogger();
let module: TestingModule;

async function bootstrap(...providers: Provider[]): Promise<TestingModule> {
  module = await Test.createTestingModule({
    imports: [
      EventTrackingModule.forRoot({
        backends: { recorder },
        trackers: { audit: { backends: { recorder: audit } } },
      }),
      ScheduleModule.forRoot(),
    ],
    providers,
  })
    .setLogger(logger)
    .compile();
  return module.init();
}

beforeEach(() => {
  recorder.clear();
  audit.clear();
  logger.complaints.length = 0;
});

afterEach(async () => {
  await module?.close();
});

const recorded = () => recorder.events.map(({ name, data, context }) => ({ name, data, context }));

describe('The factory of a decorator', () => {
  it('receives arguments, instance and result, but no execution context for a direct call', async () => {
    const calls: MethodCall[] = [];
    @Injectable()
    class Service {
      @TrackContext('context', (call) => calls.push(call) && {})
      @EmitEvent('done', { data: (call) => calls.push(call) && {} })
      work(first: string, second: number): string {
        return first.repeat(second);
      }
    }
    const instance = (await bootstrap(Service)).get(Service);
    expect(instance.work('a', 3)).toBe('aaa');
    expect(calls).toEqual([
      { args: ['a', 3], instance },
      { args: ['a', 3], instance, result: 'aaa' },
    ]);
  });

  it('receives the error and no result if the method throws', async () => {
    const calls: MethodCall[] = [];
    const error = new Error('broken');
    @Injectable()
    class Service {
      @EmitEvent('failed', { on: 'error', data: (call) => calls.push(call) && {} })
      work(): never {
        throw error;
      }
    }
    const instance = (await bootstrap(Service)).get(Service);
    expect(() => instance.work()).toThrow(error);
    expect(calls).toEqual([{ args: [], instance, error }]);
  });
});

describe('@EmitEvent', () => {
  @Injectable()
  class Service {
    @EmitEvent('success', { data: ({ result }) => ({ result: result as unknown }) })
    @EmitEvent('error', { on: 'error', data: ({ error }) => ({ error: (error as Error).message }) })
    @EmitEvent('settled', { on: 'settled', data: (call) => ({ keys: Object.keys(call).sort() }) })
    work<T>(fn: () => T): T {
      return fn();
    }
  }

  const names = () => recorder.events.map(({ name }) => name).sort();

  it('emits success and settled when the method returns', async () => {
    (await bootstrap(Service)).get(Service).work(() => 7);
    expect(names()).toEqual(['settled', 'success']);
    expect(recorder.only('success').data).toEqual({ result: 7 });
  });

  it('emits error and settled when the method throws, and rethrows the error', async () => {
    const fault = new Error('broken');
    const service = (await bootstrap(Service)).get(Service);
    expect(() =>
      service.work(() => {
        throw fault;
      }),
    ).toThrow(fault);
    expect(names()).toEqual(['error', 'settled']);
  });

  it('emits success and settled when a promise resolves', async () => {
    const { promise, resolve } = deferred<number>();
    const working = (await bootstrap(Service)).get(Service).work(() => promise);
    expect(recorder.events).toEqual([]);
    resolve(7);
    expect(await working).toBe(7);
    expect(names()).toEqual(['settled', 'success']);
    expect(recorder.only('success').data).toEqual({ result: 7 });
  });

  it('emits error and settled when a promise rejects, with the same error', async () => {
    const fault = new Error('broken');
    const service = (await bootstrap(Service)).get(Service);
    await expect(service.work(() => Promise.reject(fault))).rejects.toBe(fault);
    expect(names()).toEqual(['error', 'settled']);
    expect(recorder.only('error').data).toEqual({ error: 'broken' });
  });

  it('emits success with the last value when an Observable completes', async () => {
    const observable = (await bootstrap(Service)).get(Service).work(() => of(1, 2, 3));
    expect(recorder.events).toEqual([]);
    expect(await lastValueFrom(observable.pipe(toArray()))).toEqual([1, 2, 3]);
    expect(names()).toEqual(['settled', 'success']);
    expect(recorder.only('success').data).toEqual({ result: 3 });
  });

  it('emits error and settled when an Observable fails', async () => {
    const fault = new Error('broken');
    const observable = (await bootstrap(Service)).get(Service).work(() => throwError(() => fault));
    await expect(lastValueFrom(observable)).rejects.toBe(fault);
    expect(names()).toEqual(['error', 'settled']);
  });

  it('emits settled when a subscriber leaves an Observable early', async () => {
    const observable = (await bootstrap(Service)).get(Service).work(() => NEVER.pipe(startWith(1)));
    expect(await firstValueFrom(observable.pipe(take(1)))).toBe(1);
    expect(names()).toEqual(['settled']);
    expect(recorder.only('settled').data).toEqual({ keys: ['args', 'instance'] });
  });

  it('emits once for each subscription of an Observable', async () => {
    const observable = (await bootstrap(Service)).get(Service).work(() => of(1));
    expect(recorder.events).toEqual([]);
    observable.subscribe();
    observable.subscribe();
    expect(recorder.named('success')).toHaveLength(2);
  });

  it('returns a proxy that throws for unknown keys', async () => {
    const strict = new Proxy(
      {},
      {
        get(_, key) {
          throw new ReferenceError(`${String(key)} is unknown`);
        },
      },
    );
    class Service {
      @TrackContext('service', {})
      @EmitEvent('environment.read')
      environment(): object {
        return strict;
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    expect(service.environment() === strict).toBe(true);
    expect(recorder.only('environment.read').data).toEqual({});
  });

  it('stops a synchronous source when the subscriber leaves', async () => {
    class Service {
      produced = 0;

      @TrackContext('service', {})
      @EmitEvent('numbers.left', { on: 'settled' })
      numbers(): Observable<number> {
        return new Observable((subscriber) => {
          while (!subscriber.closed && this.produced < 1_000) subscriber.next(this.produced++);
          subscriber.complete();
        });
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    const numbers = await lastValueFrom(service.numbers().pipe(take(3), toArray()));
    expect(numbers).toEqual([0, 1, 2]);
    expect(service.produced).toBe(3);
    expect(recorder.only('numbers.left').data).toEqual({});
  });

  it('leaves the rejection of a promise unhandled if the caller does', async () => {
    const service = (await bootstrap(Service)).get(Service);
    const unhandled = deferred<unknown>();
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').once('unhandledRejection', unhandled.resolve);
    try {
      void service.work(() => Promise.reject(new Error('unhandled')));
      expect(await unhandled.promise).toMatchObject({ message: 'unhandled' });
    } finally {
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });
});

describe('@TrackContext', () => {
  it('applies to the method and its asynchronous continuations only', async () => {
    @Injectable()
    class Service {
      constructor(private readonly tracker: Tracker) {}

      @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
      async work(id: string): Promise<void> {
        this.tracker.emit('before', { id });
        await new Promise((resolve) => setImmediate(resolve));
        this.tracker.emit('after', { id });
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    await Promise.all(Array.from({ length: 50 }, (_, user) => service.work(`course-${user}`)));
    module.get(Tracker).emit('outside');
    expect(recorder.events).toHaveLength(101);
    for (const { name, data, context } of recorder.events) {
      expect(context).toEqual(name === 'outside' ? {} : { course_id: data['id'] });
    }
  });

  it('without arguments enters the name of the handler', async () => {
    @Injectable()
    class Service {
      @TrackContext()
      @EmitEvent('done')
      work(): void {}
    }
    (await bootstrap(Service)).get(Service).work();
    expect(recorded()).toEqual([{ name: 'done', data: {}, context: { handler: 'Service.work' } }]);
  });

  it('accepts a plain object', async () => {
    @Injectable()
    class Service {
      @EmitEvent('done', { data: { fixed: true } })
      @TrackContext('area', { area: 'courses' })
      work(): void {}
    }
    (await bootstrap(Service)).get(Service).work();
    expect(recorded()).toEqual([
      { name: 'done', data: { fixed: true }, context: { area: 'courses' } },
    ]);
  });

  it('applies to all trackers or to the named one', async () => {
    @Injectable()
    class Service {
      @TrackContext('all', { all: 1 })
      @TrackContext('one', { one: 1 }, { tracker: 'audit' })
      @EmitEvent('default')
      @EmitEvent('audited', { tracker: 'audit' })
      work(): void {}
    }
    (await bootstrap(Service)).get(Service).work();
    expect(recorder.only('default').context).toEqual({ all: 1 });
    expect(audit.only('audited').context).toEqual({ all: 1, one: 1 });
  });

  it('on a class decorates each handler', async () => {
    @TrackContext('class', { class: true })
    @Injectable()
    class Worker {
      constructor(private readonly tracker: Tracker) {}

      @SetMetadata('job', 'first')
      first(): void {
        this.tracker.emit('first');
      }

      @SetMetadata('job', 'second')
      @TrackContext('method', { method: true })
      second(): void {
        this.tracker.emit('second');
      }

      notAHandler(): void {
        this.tracker.emit('other');
      }
    }
    const worker = (await bootstrap(Worker)).get(Worker);
    worker.first();
    worker.second();
    worker.notAHandler();
    expect(recorder.only('first').context).toEqual({ class: true });
    expect(recorder.only('second').context).toEqual({ class: true, method: true });
    expect(recorder.only('other').context).toEqual({});
  });

  it('on a class without handlers decorates all methods', async () => {
    @TrackContext('job', ({ args: [job] }) => ({ job_id: (job as { id: number }).id }))
    @Injectable()
    class Worker {
      constructor(private readonly tracker: Tracker) {}

      async process(job: { id: number }): Promise<void> {
        await Promise.resolve();
        this.tracker.emit('processed', { id: job.id });
      }
    }
    const worker = (await bootstrap(Worker)).get(Worker);
    await Promise.all([1, 2, 3].map((id) => worker.process({ id })));
    for (const { data, context } of recorder.events)
      expect(context).toEqual({ job_id: data['id'] });
    expect(recorder.events).toHaveLength(3);
  });

  it('subscribes an Observable inside the context and notifies the subscriber in its own', async () => {
    const source = new Subject<number>();
    @Injectable()
    class Service {
      constructor(readonly tracker: Tracker) {}

      @TrackContext('inside', { inside: true })
      watch(): Observable<number> {
        return new Observable((subscriber) => {
          this.tracker.emit('subscribed');
          const subscription = source.subscribe(subscriber);
          return () => {
            this.tracker.emit('unsubscribed');
            subscription.unsubscribe();
          };
        });
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    const watching = service.watch();
    const subscription = service.tracker.context('subscriber', { subscriber: true }, () =>
      watching.subscribe(() => service.tracker.emit('heard')),
    );
    service.tracker.context('producer', { producer: true }, () => source.next(1));
    subscription.unsubscribe();
    expect(recorded().map(({ name, context }) => ({ [name]: context }))).toEqual([
      { subscribed: { subscriber: true, inside: true } },
      { heard: { subscriber: true } },
      { unsubscribed: { subscriber: true, inside: true } },
    ]);
  });
});

describe('Decorators work on', () => {
  abstract class Base {
    @TrackContext('base', { base: true })
    @EmitEvent('inherited')
    inherited(): string {
      return 'inherited';
    }

    @EmitEvent('overridden')
    overridden(): string {
      return 'base';
    }
  }

  @Injectable()
  class Child extends Base {
    override overridden(): string {
      return `child of ${super.overridden()}`;
    }
  }

  it('inherited methods and on methods that an override calls', async () => {
    const child = (await bootstrap(Child)).get(Child);
    expect([child.inherited(), child.overridden()]).toEqual(['inherited', 'child of base']);
    expect(recorded()).toEqual([
      { name: 'inherited', data: {}, context: { base: true } },
      { name: 'overridden', data: {}, context: {} },
    ]);
  });

  it('inherited handlers of a decorated class without affecting its siblings', async () => {
    class Parent {
      @SetMetadata('handler', true)
      @EmitEvent('handled')
      handle(): void {}
    }
    @TrackContext('child', { child: true })
    @Injectable()
    class Decorated extends Parent {}
    @Injectable()
    class Sibling extends Parent {}
    await bootstrap(Decorated, Sibling);
    module.get(Decorated).handle();
    module.get(Sibling).handle();
    expect(recorded().map(({ context }) => context)).toEqual([{ child: true }, {}]);
  });

  @Injectable({ scope: Scope.REQUEST })
  class RequestScoped {
    @EmitEvent('request-scoped')
    work(): void {}
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient {
    @EmitEvent('transient')
    work(): void {}
  }

  it('request-scoped and transient providers', async () => {
    await bootstrap(RequestScoped, Transient);
    (await module.resolve(RequestScoped)).work();
    (await module.resolve(Transient)).work();
    expect(recorded().map(({ name }) => name)).toEqual(['request-scoped', 'transient']);
  });

  it('providers from useFactory and useValue', async () => {
    class Made {
      @EmitEvent('made')
      work(): void {}
    }
    await bootstrap(
      { provide: 'factory', useFactory: () => new Made() },
      { provide: 'value', useValue: new Made() },
    );
    module.get<Made>('factory').work();
    module.get<Made>('value').work();
    expect(recorder.named('made')).toHaveLength(2);
  });

  it('providers next to a value that throws for unknown keys', async () => {
    class Service {
      @EmitEvent('worked')
      work(): void {}
    }
    const strict = new Proxy(
      {},
      {
        has(_, key) {
          throw new ReferenceError(`${String(key)} is unknown`);
        },
      },
    );
    const providers = [Service, { provide: 'strict', useValue: strict }];
    (await bootstrap(...providers)).get(Service).work();
    expect(recorder.named('worked')).toHaveLength(1);
  });

  it('frozen instances', async () => {
    @Injectable()
    class Frozen {
      constructor() {
        Object.freeze(this);
      }

      @EmitEvent('frozen')
      work(): void {}
    }
    (await bootstrap(Frozen)).get(Frozen).work();
    expect(recorder.named('frozen')).toHaveLength(1);
    expect(Object.getOwnPropertySymbols(module.get(Frozen))).toEqual([]);
  });

  it('a method wrapped by a spy', async () => {
    @Injectable()
    class Service {
      @EmitEvent('spied')
      work(): string {
        return 'worked';
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    const spy = vi.spyOn(service, 'work');
    expect(service.work()).toBe('worked');
    expect(spy).toHaveBeenCalledOnce();
    expect(recorder.named('spied')).toHaveLength(1);
  });

  it('a cron job, whose events have only its own context', async () => {
    @Injectable()
    class Jobs {
      constructor(private readonly tracker: Tracker) {}

      @Cron('0 0 1 1 *', { name: 'reminder' })
      @TrackContext('job', { job: 'reminder' })
      @EmitEvent('reminder.ran')
      async run(): Promise<void> {
        await Promise.resolve();
        this.tracker.emit('reminder.sent');
      }
    }
    await bootstrap(Jobs);
    await module.get(SchedulerRegistry).getCronJob('reminder').fireOnTick();
    await expect.poll(() => recorder.events).toHaveLength(2);
    expect(recorded().map(({ name, context }) => ({ name, context }))).toEqual([
      { name: 'reminder.sent', context: { job: 'reminder' } },
      { name: 'reminder.ran', context: { job: 'reminder' } },
    ]);
  });

  it('a method that concurrent loops call', async () => {
    const queue = Array.from({ length: 50 }, (_, id) => ({ id, user: `user-${id}` }));
    @Injectable()
    class Processor {
      constructor(private readonly tracker: Tracker) {}

      @TrackContext('job', ({ args: [job] }) => ({ user: (job as { user: string }).user }))
      @EmitEvent('job.completed', {
        data: ({ args: [job] }) => ({ id: (job as { id: number }).id }),
      })
      async process(job: { id: number; user: string }): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, job.id % 5));
        this.tracker.emit('job.worked', { id: job.id });
      }
    }
    const processor = (await bootstrap(Processor)).get(Processor);
    const work = async (): Promise<void> => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift())
        await processor.process(job);
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(recorder.events).toHaveLength(100);
    for (const { data, context } of recorder.events)
      expect(context).toEqual({ user: `user-${String(data['id'])}` });
  });
});

describe('A decorated method', () => {
  const Tag = (value: string) => SetMetadata('tag', value);

  class Plain {
    @Tag('outer')
    async work(_first: string, _second: number): Promise<void> {}
  }

  class Between {
    @TrackContext('context', { known: true })
    @Tag('outer')
    @EmitEvent('done')
    async work(_first: string, _second: number): Promise<void> {}
  }

  class Above {
    @Tag('outer')
    @EmitEvent('done')
    @TrackContext('context', { known: true })
    async work(_first: string, _second: number): Promise<void> {}
  }

  it.each([Between, Above])(
    'keeps its name, length and metadata in any order of decorators: %o',
    (type: Type<Plain>) => {
      const { work } = type.prototype;
      expect([work.name, work.length]).toEqual(['work', 2]);
      expect(new Reflector().get('tag', work)).toBe('outer');
      const keys = (method: object) => Reflect.getMetadataKeys(method) as unknown[];
      expect(keys(work)).toEqual(keys(Plain.prototype.work));
      const typed = (prototype: object) =>
        Reflect.getMetadata('design:paramtypes', prototype, 'work') as unknown;
      expect(typed(type.prototype)).toEqual(typed(Plain.prototype));
      expect(Object.getOwnPropertyDescriptor(type.prototype, 'work')).toMatchObject({
        enumerable: false,
        configurable: true,
        writable: true,
      });
    },
  );

  it.each([
    ['EmitEvent above TrackContext', Above],
    ['TrackContext above EmitEvent', Between],
  ])('emits with its contexts: %s', async (_order, type) => {
    @Injectable()
    class Service extends type {}
    await (await bootstrap(Service)).get(Service).work('', 0);
    expect(recorder.only('done').context).toEqual({ known: true });
  });
});

describe('A factory', () => {
  it('that changes the array of arguments does not affect the call', async () => {
    class Service {
      @TrackContext('course', ({ args }: MethodCall<unknown[]>) => ({ course_id: args.shift() }))
      read(id: string): string {
        return `course ${id}`;
      }
    }
    expect((await bootstrap(Service)).get(Service).read('7')).toBe('course 7');
  });

  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'throws a revoked proxy',
      () => {
        throw revoked();
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['returns a number', () => 7 as unknown as object],
  ])(
    'that %s is reported and does not affect the caller or the event',
    async (_how, factory: () => object) => {
      @Injectable()
      class Service {
        @TrackContext('broken', factory)
        @TrackContext('whole', { whole: true })
        @EmitEvent('done', { data: factory })
        work(): string {
          return 'worked';
        }
      }
      expect((await bootstrap(Service)).get(Service).work()).toBe('worked');
      await new Promise((resolve) => setImmediate(resolve));
      expect(recorded()).toEqual([{ name: 'done', data: {}, context: { whole: true } }]);
      expect(logger.complaints).toEqual([
        expect.stringMatching(
          /^The context 'broken' of Service\.work could not be created: .*The method is not affected\.$/,
        ),
        expect.stringMatching(
          /^The data of 'done' of Service\.work could not be created: .*The method is not affected\.$/,
        ),
      ]);
    },
  );
});

describe('Without a tracker', () => {
  const global = new Recorder();

  beforeEach(() => registerTracker(new Tracker({ backends: { global } })));
  afterEach(() => expect(global.events).toEqual([]));

  it('a method of an object that Nest did not create runs and logs one warning', async () => {
    class Service {
      @TrackContext('context', {})
      @EmitEvent('done')
      work(): string {
        return 'worked';
      }
    }
    await bootstrap();
    const service = new Service();
    expect([service.work(), service.work(), new Service().work()]).toEqual([
      'worked',
      'worked',
      'worked',
    ]);
    expect(logger.complaints).toEqual([
      expect.stringMatching(
        /@EmitEvent\('done'\).*Service\.work did nothing.*not imported.*new Service\(…\)/,
      ),
    ]);
  });

  it('a method runs on an object without prototype and on a revoked proxy', () => {
    class Service {
      @EmitEvent('done')
      work(): string {
        return 'worked';
      }
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const borrower of [Object.create(null), proxy, undefined] as object[]) {
      expect(Reflect.apply(Service.prototype.work, borrower, [])).toBe('worked');
    }
  });

  it('a method that a constructor calls runs and emits no event', async () => {
    @Injectable()
    class Service {
      readonly made: string;

      constructor() {
        this.made = this.work();
      }

      @EmitEvent('done')
      work(): string {
        return 'worked';
      }
    }
    const service = (await bootstrap(Service)).get(Service);
    expect(service.made).toBe('worked');
    expect(recorder.events).toEqual([]);
    service.work();
    expect(recorder.named('done')).toHaveLength(1);
  });

  it('an application without EventTrackingModule runs and logs one warning', async () => {
    @Injectable()
    class Service {
      @EmitEvent('done')
      work(): string {
        return 'worked';
      }
    }
    @Module({ providers: [Service] })
    class Bare {}
    const bare = await Test.createTestingModule({ imports: [Bare] })
      .setLogger(logger)
      .compile();
    expect((await bare.init()).get(Service).work()).toBe('worked');
    expect(logger.complaints).toHaveLength(1);
    await bare.close();
  });
});

it('A value provided by consecutive applications emits to the running one', async () => {
  class Service {
    @EmitEvent('done')
    work(): void {}
  }
  const service = { provide: Service, useValue: new Service() };
  for (const times of [1, 2]) {
    (await bootstrap(service)).get(Service).work();
    expect(recorder.named('done')).toHaveLength(times);
    await module.close();
  }
});

it('Two applications with the same classes each emit to their own tracker', async () => {
  @Injectable()
  class Service {
    @EmitEvent('done')
    work(): void {}
  }
  const boot = async (backend: Recorder) => {
    const imports = [EventTrackingModule.forRoot({ backends: { backend } })];
    return (await Test.createTestingModule({ imports, providers: [Service] }).compile()).init();
  };
  const [one, two] = await Promise.all([boot(recorder), boot(audit)]);
  one.get(Service).work();
  two.get(Service).work();
  two.get(Service).work();
  expect([recorder.events.length, audit.events.length]).toEqual([1, 2]);
  await Promise.all([one.close(), two.close()]);
});

it.each([
  [
    'a property',
    (prototype: object) => (EmitEvent('x') as PropertyDecorator)(prototype, 'property'),
  ],
  [
    'an accessor',
    (prototype: object) =>
      (TrackContext() as MethodDecorator)(prototype, 'accessor', {
        get: () => 1,
      } as TypedPropertyDescriptor<never>),
  ],
  [
    'a static method',
    () =>
      (EmitEvent('x') as MethodDecorator)(class Static {}, 'method', {
        value() {},
      } as unknown as TypedPropertyDescriptor<never>),
  ],
])(
  'A decorator on %s is rejected at declaration',
  (_target, decorate: (prototype: object) => unknown) => {
    expect(() => decorate(class Any {}.prototype)).toThrow(ImproperlyConfigured);
  },
);

it('@EmitEvent rejects an unknown value of on', () => {
  expect(() => EmitEvent('x', { on: 'sometimes' as 'success' })).toThrow(ImproperlyConfigured);
});

it('Bootstrap rejects a decorator whose tracker is not configured', async () => {
  @Injectable()
  class Service {
    @EmitEvent('done', { tracker: 'adit' })
    work(): void {}
  }
  await expect(bootstrap(Service)).rejects.toThrow(
    /'done' on Service\.work uses the tracker 'adit', which is not configured\. Configured trackers: 'default', 'audit'/,
  );
});
