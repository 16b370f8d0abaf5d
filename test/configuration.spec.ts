import {
  Inject,
  Injectable,
  Module,
  Optional,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ClsContextLocator,
  DefaultContextLocator,
  EmitEvent,
  emit,
  EventTrackingModule,
  getBackendToken,
  getTracker,
  getTrackerToken,
  ImproperlyConfigured,
  InjectBackend,
  InjectTracker,
  MemoryBackend,
  NameAllowlist,
  TrackContext,
  Tracker,
  type Backend,
  type BackendDefinition,
  type EventTrackingOptions,
  type ProcessorDefinition,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './support/deferred.js';
import { Recorder } from './support/http-application.js';

let open: TestingModule[] = [];

async function boot(
  tracking: DynamicModule,
  metadata: ModuleMetadata = {},
): Promise<TestingModule> {
  const { imports = [], ...rest } = metadata;
  const module = await Test.createTestingModule({ imports: [tracking, ...imports], ...rest })
    .setLogger(false as never)
    .compile();
  open.push(module);
  return module.init();
}

afterEach(async () => {
  await Promise.all(open.map((module) => module.close()));
  open = [];
});

@Injectable()
class Names {
  readonly all: string[] = [];
}

@Module({ providers: [Names], exports: [Names] })
class NamesModule {}

/** A backend that Nest must create, because it depends on a service. */
@Injectable()
class NamingBackend implements Backend {
  constructor(readonly names: Names) {}

  send({ name }: TrackingEvent): void {
    this.names.all.push(name);
  }
}

@Injectable()
class Enrich {
  constructor(readonly names: Names) {}

  process(event: TrackingEvent): void {
    event.data['enriched'] = this.names.all.length;
  }
}

@Injectable()
class OnlyCourses {
  constructor(readonly names: Names) {}

  filter({ name }: TrackingEvent): boolean {
    return name.startsWith('course.');
  }
}

const instance = new Recorder();

/** Every form in which a backend can be configured. */
const BACKENDS: Record<string, BackendDefinition> = {
  'an instance': instance,
  'a class': NamingBackend,
  useClass: { useClass: NamingBackend },
  useFactory: { useFactory: (names: Names) => new NamingBackend(names), inject: [Names] },
  'useFactory with a promise': {
    useFactory: async (names: Names) => new NamingBackend(names),
    inject: [Names],
  },
  'useFactory without inject': { useFactory: () => instance },
  'useFactory with an optional dependency': {
    useFactory: (missing?: object) => (missing === undefined ? instance : new Recorder()),
    inject: [{ token: 'missing', optional: true }],
  },
  useExisting: { useExisting: Recorder },
  useValue: { useValue: instance },
};

/** Every form in which a processor can be configured; each filters for courses or marks the event. */
const PROCESSORS: Record<string, ProcessorDefinition> = {
  'a function': (event: TrackingEvent) => {
    event.data['enriched'] = 0;
  },
  'an object with process': {
    process: (event: TrackingEvent) => void (event.data['enriched'] = 0),
  },
  'an object with filter': new NameAllowlist(['course.read']),
  'a class with process': Enrich,
  'a class with filter': OnlyCourses,
  useClass: { useClass: Enrich },
  useFactory: { useFactory: (names: Names) => new Enrich(names), inject: [Names] },
  useExisting: { useExisting: Enrich },
  useValue: { useValue: new NameAllowlist(['course.read']) },
};

const imports = [
  {
    module: class Shared {},
    providers: [Recorder, { provide: Recorder, useValue: instance }, Names, Enrich],
    exports: [Recorder, Names, Enrich],
  },
];

describe.each([
  [
    'forRoot',
    (options: EventTrackingOptions) => EventTrackingModule.forRoot({ imports, ...options }),
  ],
  [
    'forRootAsync',
    (options: EventTrackingOptions) =>
      EventTrackingModule.forRootAsync({
        imports,
        useFactory: async () => options,
        expose: { backends: ['deep.deeper.leaf'] },
      }),
  ],
])('%s', (_method, configure) => {
  describe.each(Object.entries(BACKENDS))('accepts %s as a backend', (_form, definition) => {
    it('at the third level of the tree, and sends events to it', async () => {
      instance.clear();
      const module = await boot(
        configure({
          backends: { deep: { backends: { deeper: { backends: { leaf: definition } } } } },
        }),
      );
      const backend = module.get<NamingBackend | Recorder>(getBackendToken('deep.deeper.leaf'));
      const tracker = module.get(Tracker);
      tracker.emit('course.read');
      const names =
        backend instanceof NamingBackend
          ? backend.names.all
          : backend.events.map(({ name }) => name);
      expect(names).toEqual(['course.read']);
      expect(tracker.getBackend('deep.deeper.leaf')).toBe(backend);
    });
  });

  it.each(Object.entries(PROCESSORS))(
    'accepts %s as a processor, at the root and at nodes',
    async (form, processor) => {
      const [root, node] = [new Recorder(), new Recorder()];
      const deep = { deeper: { backends: { leaf: node } } };
      const underRoot = await boot(
        configure({ processors: [processor], backends: { root, deep: { backends: deep } } }),
      );
      underRoot.get(Tracker).emit('course.read');
      underRoot.get(Tracker).emit('user.left');
      expect(root.events.map(({ name }) => name)).toEqual(node.events.map(({ name }) => name));
      const filters = form.includes('filter') || form === 'useValue';
      expect(root.events.map(({ name, data }) => ({ name, data }))).toEqual(
        filters
          ? [{ name: 'course.read', data: {} }]
          : ['course.read', 'user.left'].map((name) => ({ name, data: { enriched: 0 } })),
      );
    },
  );

  it.each([
    ['an instance', new DefaultContextLocator()],
    ['a class', DefaultContextLocator],
    ['useFactory', { useFactory: () => new ClsContextLocator() }],
    ['useValue', { useValue: new ClsContextLocator() }],
  ])('accepts a context locator as %s', async (_form, contextLocator) => {
    const recorder = new Recorder();
    const module = await boot(
      configure({
        contextLocator,
        backends: { deep: { backends: { deeper: { backends: { leaf: recorder } } } } },
      }),
    );
    const tracker = module.get(Tracker);
    if (typeof contextLocator === 'object' && 'get' in contextLocator)
      expect(tracker.contextLocator).toBe(contextLocator);
    await tracker.context('block', { inside: true }, async () => {
      await Promise.resolve();
      tracker.emit('inside');
    });
    expect(recorder.only('inside').context).toEqual({ inside: true });
  });

  it('creates no backends if it is disabled, and every call still works', async () => {
    const useFactory = vi.fn(() => instance);
    const constructed = vi.fn();
    class Constructed extends MemoryBackend {
      constructor() {
        super();
        constructed();
      }
    }
    @Injectable()
    class Service {
      constructor(
        readonly tracker: Tracker,
        @InjectBackend('deep.deeper.leaf') readonly backend: Backend,
      ) {}

      @TrackContext('service', {})
      @EmitEvent('worked')
      work(): string {
        return this.tracker.context('block', { a: 1 }, () =>
          JSON.stringify(this.tracker.resolveContext()),
        );
      }
    }
    const leaf = { backends: { deeper: { backends: { leaf: { useFactory } } } } };
    const module = await boot(
      configure({ enabled: false, backends: { deep: leaf, made: Constructed } }),
      {
        providers: [Service],
      },
    );
    const service = module.get(Service);
    expect(service.work()).toBe('{}');
    service.tracker.emit('nothing');
    service.tracker.enterContext('a', {})[Symbol.dispose]();
    service.tracker.exitContext('never entered');
    expect(service.backend.send({} as TrackingEvent)).toBeUndefined();
    expect(service.tracker.getBackend('made').send({} as TrackingEvent)).toBeUndefined();
    service.tracker.registerBackend('further', instance);
    service.tracker.registerProcessor(() => {});
    expect(service.tracker.stats()).toMatchObject({ arrived: 0 });
    expect([useFactory.mock.calls, constructed.mock.calls]).toEqual([[], []]);
  });
});

describe('A named tracker', () => {
  it('has its own tree, shares the contexts, and is injectable by name', async () => {
    const [standard, trail] = [new Recorder(), new Recorder()];
    @Injectable()
    class Service {
      constructor(
        readonly tracker: Tracker,
        @InjectTracker() readonly again: Tracker,
        @InjectTracker('audit') readonly audit: Tracker,
        @InjectBackend('trail', 'audit') readonly trail: Backend,
        @InjectBackend('standard') readonly standard: Backend,
      ) {}
    }
    const module = await boot(
      EventTrackingModule.forRoot({
        backends: { standard },
        trackers: { audit: { processors: [new NameAllowlist(['b'])], backends: { trail } } },
      }),
      { providers: [Service] },
    );
    const service = module.get(Service);
    expect([service.again, module.get(getTrackerToken('audit'))]).toEqual([
      service.tracker,
      service.audit,
    ]);
    expect([service.standard, service.trail]).toEqual([standard, trail]);
    service.tracker.context('shared', { shared: true }, () => {
      for (const name of ['a', 'b'])
        [service.tracker, service.audit].forEach((tracker) => tracker.emit(name));
    });
    expect(standard.events.map(({ name, context }) => [name, context])).toEqual([
      ['a', { shared: true }],
      ['b', { shared: true }],
    ]);
    expect(trail.events.map(({ name, context }) => [name, context])).toEqual([
      ['b', { shared: true }],
    ]);
  });

  it('is injectable with forRootAsync if it is listed in expose', async () => {
    const trail = new Recorder();
    const module = await boot(
      EventTrackingModule.forRootAsync({
        useFactory: () => ({ trackers: { audit: { backends: { trail } } } }),
        expose: { trackers: ['audit'], backends: [{ tracker: 'audit', path: 'trail' }] },
      }),
    );
    module.get<Tracker>(getTrackerToken('audit')).emit('audited');
    expect(module.get(getBackendToken('trail', 'audit'))).toBe(trail);
    expect(trail.named('audited')).toHaveLength(1);
  });
});

describe('forRootAsync', () => {
  @Injectable()
  class Options {
    constructor(@Optional() readonly names?: Names) {}

    createEventTrackingOptions(): EventTrackingOptions {
      return { backends: { instance }, maxEventSize: 10 };
    }
  }

  it.each([
    ['useClass', { useClass: Options }],
    [
      'useExisting',
      {
        useExisting: Options,
        imports: [{ module: class Shared {}, providers: [Options], exports: [Options] }],
      },
    ],
    [
      'useFactory and inject',
      {
        inject: [Names],
        imports: [NamesModule],
        useFactory: (names: Names) => ({ backends: { instance, names: new NamingBackend(names) } }),
      },
    ],
  ])('reads its options from %s', async (_form, options) => {
    instance.clear();
    const module = await boot(EventTrackingModule.forRootAsync(options));
    module.get(Tracker).emit('configured');
    expect(instance.named('configured')).toHaveLength(1);
  });

  it('can depend on a service that emits in its constructor', async () => {
    instance.clear();
    @Injectable()
    class Config {
      constructor(tracker: Tracker) {
        tracker.emit('config.read');
      }
    }
    const shared = {
      module: class Shared {},
      global: true,
      providers: [Config],
      exports: [Config],
    };
    await boot(
      EventTrackingModule.forRootAsync({
        inject: [Config],
        useFactory: () => ({ backends: { instance } }),
      }),
      { imports: [shared] },
    );
    expect(instance.named('config.read')).toHaveLength(1);
  });
});

describe('Events emitted before the tree is built', () => {
  it('are delivered in order, even if a backend depends on their emitter', async () => {
    const ready = deferred<void>();
    @Injectable()
    class Chatty {
      constructor(readonly tracker: Tracker) {
        tracker.emit('first');
        tracker.emit('second');
      }
    }
    const recorder = new Recorder();
    const shared = {
      module: class Shared {},
      global: true,
      providers: [Chatty],
      exports: [Chatty],
    };
    const booting = boot(
      EventTrackingModule.forRoot({
        backends: {
          recorder: {
            useFactory: async (chatty: Chatty) => {
              chatty.tracker.emit('third');
              await ready.promise;
              return recorder;
            },
            inject: [Chatty],
          },
        },
      }),
      { imports: [shared] },
    );
    ready.resolve();
    await booting;
    expect(recorder.events.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
  });
});

describe('isGlobal: false', () => {
  it('makes trackers injectable only in modules that import it', async () => {
    class Holder {
      constructor(readonly tracker?: Tracker) {}
    }
    Optional()(Holder, undefined, 0);
    Inject(Tracker)(Holder, undefined, 0);
    const elsewhere = {
      module: class Elsewhere {},
      providers: [{ provide: 'elsewhere', useClass: Holder }],
    };
    const module = await boot(EventTrackingModule.forRoot({ isGlobal: false }), {
      imports: [elsewhere],
      providers: [{ provide: 'here', useClass: Holder }],
    });
    const holder = (token: InjectionToken) => module.get<Holder>(token, { strict: false }).tracker;
    expect(holder('here')).toBeInstanceOf(Tracker);
    expect(holder('elsewhere')).toBeUndefined();
  });
});

describe('registerGlobally', () => {
  it('registers the trackers of one application until it closes', async () => {
    const [one, two] = [new Recorder(), new Recorder()];
    const first = await boot(
      EventTrackingModule.forRoot({
        registerGlobally: true,
        backends: { one },
        trackers: { audit: {} },
      }),
    );
    expect(getTracker()).toBe(first.get(Tracker));
    expect(getTracker('audit')).toBe(first.get(getTrackerToken('audit')));
    emit('from anywhere');
    expect(one.named('from anywhere')).toHaveLength(1);

    const tracking = () =>
      EventTrackingModule.forRoot({ registerGlobally: true, backends: { two } });
    await expect(boot(tracking())).rejects.toThrow(ImproperlyConfigured);
    expect(getTracker()).toBe(first.get(Tracker));

    await first.close();
    expect(() => getTracker('audit')).toThrow(/No tracker .*audit.* is registered/);
    const second = await boot(tracking());
    await first.close();
    expect(getTracker()).toBe(second.get(Tracker));
  });

  it('hands its names over to an application that starts while the first one is closing', async () => {
    const [one, two] = [new Recorder(), new Recorder()];
    const { promise: released, resolve: release } = deferred<void>();
    class SlowToClose implements OnModuleDestroy {
      onModuleDestroy(): Promise<void> {
        return released;
      }
    }
    const first = await boot(
      EventTrackingModule.forRoot({ registerGlobally: true, backends: { one } }),
      { providers: [SlowToClose] },
    );
    const closing = first.close();
    await Promise.resolve();
    emit('while closing');
    expect(one.named('while closing')).toHaveLength(1);

    const second = await boot(
      EventTrackingModule.forRoot({ registerGlobally: true, backends: { two } }),
    );
    emit('after the update');
    release();
    await closing;
    expect(getTracker()).toBe(second.get(Tracker));
    expect(one.named('after the update')).toHaveLength(0);
    expect(two.named('after the update')).toHaveLength(1);
  });

  it('registers no-op trackers if event tracking is disabled', async () => {
    const module = await boot(
      EventTrackingModule.forRoot({
        enabled: false,
        registerGlobally: true,
        trackers: { audit: {} },
      }),
    );
    expect(getTracker()).toBe(module.get(Tracker));
    getTracker('audit').emit('nothing');
    await module.close();
    expect(() => getTracker()).toThrow(/No tracker .*default.* is registered/);
  });
});

it('A testing module can override Tracker', async () => {
  const recorder = new Recorder();
  const module = await Test.createTestingModule({
    imports: [EventTrackingModule.forRoot({ backends: { real: { useFactory: () => recorder } } })],
  })
    .overrideProvider(Tracker)
    .useValue(new Tracker({ backends: { recorder } }))
    .compile();
  open.push(module);
  module.get(Tracker).emit('tested');
  expect(recorder.named('tested')).toHaveLength(1);
});

it('A testing module can override a backend, which is then not created', async () => {
  const [first, second, plain] = [new Recorder(), new Recorder(), new Recorder()];
  const useFactory = vi.fn(() => new MemoryBackend());
  const backends = { warehouse: { backends: { mongo: { useFactory } } }, plain };
  const audit = { backends: { warehouse: { backends: { memory: new MemoryBackend() } }, plain } };
  const module = await Test.createTestingModule({
    imports: [EventTrackingModule.forRoot({ backends, trackers: { audit } })],
  })
    .overrideProvider(getBackendToken('warehouse.mongo'))
    .useValue(first)
    .overrideProvider(getBackendToken('warehouse', 'audit'))
    .useValue(second)
    .compile();
  open.push(module);
  await module.init();
  module.get(Tracker).emit('sold');
  module.get<Tracker>(getTrackerToken('audit')).emit('audited');
  const names = [first, second, plain].map(({ events }) => events.map(({ name }) => name));
  expect(names).toEqual([['sold'], ['audited'], ['sold', 'audited']]);
  expect(module.get(Tracker).getBackend('warehouse.mongo')).toBe(first);
  expect(useFactory).not.toHaveBeenCalled();
});

it('forRoot accepts backends as a Map and calls them in code-point order of their names', async () => {
  const order: string[] = [];
  const names = ['10', '9', 'B', '_', 'a', 'b', '\u{1F600}', '\uFF5E'];
  const backends = new Map(names.map((name) => [name, { send: () => void order.push(name) }]));
  const module = await boot(EventTrackingModule.forRoot({ backends }));
  module.get(Tracker).emit('ordered');
  expect(order).toEqual(['10', '9', 'B', '_', 'a', 'b', '\uFF5E', '\u{1F600}']);
});
