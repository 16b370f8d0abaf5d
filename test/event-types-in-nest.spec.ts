import {
  Controller,
  Get,
  Global,
  Injectable,
  Module,
  Param,
  UseInterceptors,
  type ExecutionContext,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  defineContext,
  defineEvent,
  EmitEvent,
  EventTrackingModule,
  EventViolationError,
  getTracker,
  getTrackerToken,
  ImproperlyConfigured,
  InjectTracker,
  MemoryBackend,
  MemoryEventQueue,
  TrackContext,
  TrackContextInterceptor,
  Tracker,
  UnknownTrackerError,
  type Backend,
  type EventTrackingModuleOptions,
  type MetadataRecord,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import {
  EventTrackingTestingModule,
  getRecordingToken,
  RecordingBackend,
} from 'nestjs-event-tracking/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { deferred } from './support/deferred.js';
import { ADAPTERS, listen, Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'A user enrolled in a course.',
  fields: { course_id: { description: 'The course.', type: 'string' } },
});
const OrderPaid = defineEvent('order.paid', { description: 'An order was paid.' });
const CourseContext = defineContext('course', {
  description: 'The course in which an event happened.',
  fields: { course_id: { description: 'The course.', type: 'string' } },
});
const RequestContext = defineContext('request', {
  description: 'The request during which an event happened.',
  fields: { method: 'The HTTP method.', path: 'The path of the URL.' },
});

/** Compiles an application whose logger records warnings and errors. */
async function compile(
  imports: ModuleMetadata['imports'],
  providers: ModuleMetadata['providers'] = [],
): Promise<TestingModule & { logger: RecordingLogger }> {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({ imports, providers }).setLogger(logger).compile();
  return Object.assign(module, { logger });
}

const recordNamed = (records: readonly MetadataRecord[], name: string): MetadataRecord =>
  records.find((record) => record.name === name)!;

/** Returns the error with which an action fails. */
async function errorOf(action: () => Promise<unknown>): Promise<Error> {
  try {
    await action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('no error was thrown');
}

describe('EventTrackingModule.forFeature', () => {
  @Injectable()
  class CoursesService {
    constructor(
      readonly tracker: Tracker,
      @InjectTracker('audit') readonly audit: Tracker,
    ) {}
  }

  @Module({
    imports: [EventTrackingModule.forFeature([CourseEnrolled, CourseContext])],
    providers: [CoursesService],
    exports: [CoursesService],
  })
  class CoursesModule {}

  @Module({ imports: [EventTrackingModule.forFeature([OrderPaid])] })
  class OrdersModule {}

  it('registers types with all trackers and their metadata records with all backends', async () => {
    const [main, audit] = [new MemoryBackend(), new MemoryBackend()];
    const module = await compile([
      EventTrackingModule.forRoot({
        backends: { main },
        trackers: { audit: { backends: { audit } } },
      }),
      CoursesModule,
      OrdersModule,
    ]);
    await module.init();
    const courses = module.get(CoursesService);
    for (const tracker of [courses.tracker, courses.audit]) {
      tracker.context('course', { course_id: 'DemoX' }, () =>
        tracker.emit('course.enrolled', { course_id: 'DemoX' }),
      );
      tracker.emit('order.paid');
      expect(tracker.violations).toEqual([]);
    }
    await module.close();
    for (const { events, records } of [main, audit]) {
      expect(records.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual([
        'context course',
        'event course.enrolled',
        'event order.paid',
      ]);
      expect(events).toMatchObject([
        {
          name_id: recordNamed(records, 'course.enrolled').id,
          context_type_id: recordNamed(records, 'course').id,
        },
        { name_id: recordNamed(records, 'order.paid').id },
      ]);
    }
  });

  it.each<[string, (backends: { memory: Backend }) => ModuleMetadata['imports']]>([
    ['before forRoot', (backends) => [OrdersModule, EventTrackingModule.forRoot({ backends })]],
    [
      'with asynchronous options',
      (backends) => [
        EventTrackingModule.forRootAsync({
          useFactory: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            return { backends };
          },
        }),
        OrdersModule,
      ],
    ],
    [
      'twice',
      (backends) => [
        EventTrackingModule.forFeature([OrderPaid]),
        EventTrackingModule.forRoot({ backends }),
        OrdersModule,
      ],
    ],
    [
      'in addition to the same types in eventTypes',
      (backends) => [
        EventTrackingModule.forRoot({ backends, eventTypes: [OrderPaid] }),
        OrdersModule,
      ],
    ],
  ])('can be imported %s', async (_where, importing) => {
    const memory = new MemoryBackend();
    const module = await compile(importing({ memory }));
    await module.init();
    module.get(Tracker, { strict: false }).emit('order.paid');
    await module.close();
    expect(memory.records.map(({ name }) => name)).toEqual(['order.paid']);
    expect(memory.events).toMatchObject([{ name_id: memory.records[0]!.id }]);
    expect(module.logger.complaints).toEqual([]);
  });

  it('must import the tracking module if it is not global', async () => {
    const memory = new MemoryBackend();
    const configured = EventTrackingModule.forRoot({ backends: { memory }, isGlobal: false });
    const { message } = await errorOf(async () => compile([configured, OrdersModule]));
    expect(message).toMatch(/global/);

    @Module({ imports: [configured], exports: [configured] })
    class TrackingModule {}
    const forFeature = EventTrackingModule.forFeature([OrderPaid]);
    const module = await compile([
      TrackingModule,
      { ...forFeature, imports: [...(forFeature.imports ?? []), TrackingModule] },
    ]);
    await module.init();
    module.get(Tracker, { strict: false }).emit('order.paid');
    await module.close();
    expect(memory.events).toMatchObject([{ name_id: memory.records[0]!.id }]);
  });

  it('registers its types before lifecycle hooks run', async () => {
    @Injectable()
    class Early {
      constructor(private readonly tracker: Tracker) {}

      onModuleInit(): void {
        this.tracker.emit('order.paid');
      }

      onApplicationBootstrap(): void {
        this.tracker.emit('order.paid');
      }
    }
    @Module({ imports: [EventTrackingModule.forFeature([OrderPaid])], providers: [Early] })
    class EarlyModule {}
    const memory = new MemoryBackend();
    const module = await compile([
      EarlyModule,
      EventTrackingModule.forRoot({ backends: { memory } }),
    ]);
    await module.init();
    await module.close();
    const { id } = memory.records[0]!;
    expect(memory.events.map(({ name_id }) => name_id)).toEqual([id, id]);
  });

  it('fails at bootstrap without forRoot and names both methods', async () => {
    const { message } = await errorOf(async () => (await compile([OrdersModule])).init());
    expect(message).toMatch(/forRoot/);
    expect(message).toMatch(/forFeature/);
  });

  it.each<[string, unknown]>([
    ['a single type', OrderPaid],
    ['undefined', undefined],
    ['an array with a class', [class OrderPaidEvent {}]],
    ['an array with a name', ['order.paid']],
    ['an array with undefined, as after a circular import', [OrderPaid, undefined]],
  ])('rejects %s at declaration', (_value, types) => {
    expect(() => EventTrackingModule.forFeature(types as [])).toThrow(ImproperlyConfigured);
    expect(() => EventTrackingModule.forFeature(types as [])).toThrow(/forFeature/);
  });

  it('works if event tracking is disabled', async () => {
    const module = await compile([
      EventTrackingModule.forRoot({ enabled: false, strict: true }),
      OrdersModule,
    ]);
    await module.init();
    module.get(Tracker).emit(CourseEnrolled, { course_id: 'DemoX' });
    module.get(Tracker).emit('anything');
    await module.close();
    expect(module.logger.complaints).toEqual([]);
  });

  it('does not register types with other applications in the process', async () => {
    const [one, other] = [new MemoryBackend(), new MemoryBackend()];
    const modules = await Promise.all([
      compile([EventTrackingModule.forRoot({ backends: { one } }), OrdersModule]),
      compile([EventTrackingModule.forRoot({ backends: { other } })]),
    ]);
    for (const module of modules) {
      await module.init();
      module.get(Tracker).emit('order.paid');
      await module.close();
    }
    expect(one.events[0]).toHaveProperty('name_id');
    expect(other.events[0]).not.toHaveProperty('name_id');
    expect(other.records).toEqual([]);
  });
});

describe('An event emitted before the tree is built', () => {
  it('keeps the type id of its emission, and its metadata record is registered first', async () => {
    const [entries, options] = [[] as string[], deferred()];
    const backend: Backend = {
      send: ({ name_id }) => void entries.push(`event ${name_id}`),
      register: async ({ id }) => void entries.push(`record ${id}`),
    };
    const ids: string[] = [];
    @Injectable()
    class Early {
      constructor(tracker: Tracker) {
        for (const description of ['A', 'B']) {
          ids.push(tracker.register('early', description).id);
          tracker.emit('early');
        }
        tracker.emit(OrderPaid);
        ids.push(recordNamed(tracker.records, 'order.paid').id);
        expect(entries).toEqual([]);
        options.resolve();
      }
    }
    const module = await compile(
      [
        EventTrackingModule.forRootAsync({
          useFactory: async () => {
            await options.promise;
            return { backends: { backend } };
          },
        }),
      ],
      [Early],
    );
    await module.init();
    await module.close();
    expect(new Set(ids).size).toBe(3);
    expect(entries.filter((entry) => entry.startsWith('event'))).toEqual(
      ids.map((id) => `event ${id}`),
    );
    for (const id of ids) {
      const record = entries.indexOf(`record ${id}`);
      expect(record).toBeGreaterThanOrEqual(0);
      expect(record).toBeLessThan(entries.indexOf(`event ${id}`));
    }
  });
});

describe.each(ADAPTERS)('Over HTTP on %s,', (adapter) => {
  const courseOf = (context: ExecutionContext) => ({
    course_id: context.switchToHttp().getRequest<{ params: { id: string } }>().params.id,
  });

  @Controller('courses')
  class CoursesController {
    constructor(private readonly tracker: Tracker) {}

    @Get('decorated/:id')
    @TrackContext(CourseContext, ({ args: [id] }) => ({ course_id: id as string }))
    @EmitEvent(CourseEnrolled, { data: ({ args: [id] }) => ({ course_id: id as string }) })
    async decorated(@Param('id') id: string): Promise<string> {
      await new Promise((resolve) => setImmediate(resolve));
      this.tracker.emit('inside');
      return id;
    }

    @Get('intercepted/:id')
    @UseInterceptors(new TrackContextInterceptor(CourseContext, courseOf))
    intercepted(@Param('id') id: string): string {
      this.tracker.emit('inside');
      return id;
    }

    @Get('named/:id')
    @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
    named(@Param('id') id: string): string {
      this.tracker.emit('inside');
      return id;
    }

    @Get('bare')
    bare(): string {
      this.tracker.emit('inside');
      return 'bare';
    }
  }

  async function request(path: string, options: EventTrackingModuleOptions = {}) {
    const recorder = new Recorder();
    @Module({
      imports: [EventTrackingModule.forRoot({ ...options, backends: { recorder } })],
      controllers: [CoursesController],
    })
    class AppModule {}
    await using served = await listen(adapter, AppModule);
    const answers = await Promise.all(
      [path].flat().map(async (each) => {
        const response = await fetch(served.url + each);
        return [response.status, await response.text()] as const;
      }),
    );
    return { recorder, answers, records: recorder.records };
  }

  it('request context has the id of the context type named request', async () => {
    const { recorder, records } = await request('/courses/bare', {
      eventTypes: [RequestContext],
    });
    expect(recorder.only('inside')).toMatchObject({
      context: { method: 'GET', path: '/courses/bare' },
      context_type_id: recordNamed(records, 'request').id,
    });
  });

  it('request context has no type id if no type named request is registered', async () => {
    const { recorder, records } = await request('/courses/bare', { eventTypes: [CourseContext] });
    expect(recorder.only('inside')).not.toHaveProperty('context_type_id');
    expect(records.map(({ name }) => name)).toEqual(['course']);
  });

  it.each(['decorated', 'intercepted'])('a handler %s with a type has its id', async (how) => {
    const { recorder, records, answers } = await request(`/courses/${how}/DemoX`);
    expect(answers).toEqual([[200, 'DemoX']]);
    expect(recorder.only('inside')).toMatchObject({
      context: { course_id: 'DemoX' },
      context_type_id: recordNamed(records, 'course').id,
    });
  });

  it('@EmitEvent emits with the id of its event type', async () => {
    const { recorder, records } = await request('/courses/decorated/DemoX');
    expect(recorder.only('course.enrolled')).toMatchObject({
      data: { course_id: 'DemoX' },
      name_id: recordNamed(records, 'course.enrolled').id,
    });
  });

  it('@TrackContext with a name uses the registered type of that name', async () => {
    const path = '/courses/named/DemoX';
    const { recorder, records } = await request(path, { eventTypes: [CourseContext] });
    expect(recorder.only('inside').context_type_id).toBe(recordNamed(records, 'course').id);
    const without = await request(path);
    expect(without.recorder.only('inside')).not.toHaveProperty('context_type_id');
  });

  it('request and handler contexts together have a composed type id', async () => {
    const { recorder, records } = await request('/courses/decorated/DemoX', {
      eventTypes: [RequestContext],
    });
    const parts = ['request', 'course'].map((name) => recordNamed(records, name).id);
    const { context_type_id } = recorder.only('inside');
    expect(records.find(({ id }) => id === context_type_id)).toMatchObject({
      composed_of: parts.toSorted(),
    });
  });
});

describe('The option strict', () => {
  let sent: TrackingEvent[];
  let closed: string[];

  @Injectable()
  class Slow implements Backend {
    async send(event: TrackingEvent): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      sent.push(event);
    }

    async close(): Promise<void> {
      closed.push('backend');
    }
  }

  class Connection implements OnApplicationShutdown {
    onApplicationShutdown(): void {
      closed.push(this.constructor.name);
    }
  }
  @Module({})
  class LocalConnection extends Connection {}
  @Global()
  @Module({})
  class GlobalBefore extends Connection {}
  @Global()
  @Module({})
  class GlobalAfter extends Connection {}

  beforeEach(() => {
    sent = [];
    closed = [];
  });

  const started = async (options: EventTrackingModuleOptions) => {
    const module = await compile([
      GlobalBefore,
      EventTrackingModule.forRoot({
        strict: true,
        eventTypes: [CourseEnrolled],
        backends: { direct: Slow, queued: { queue: new MemoryEventQueue(), backends: { Slow } } },
        trackers: { audit: { backends: { Slow } } },
        ...options,
      }),
      LocalConnection,
      GlobalAfter,
    ]);
    return module.init();
  };

  it('does not affect an application without violations', async () => {
    const module = await started({});
    module.get(Tracker).emit(CourseEnrolled, { course_id: 'DemoX' });
    await module.close();
    expect(sent).toHaveLength(2);
  });

  it('makes closing the application fail after all events are delivered and backends closed', async () => {
    const module = await started({});
    module.get(Tracker).emit('course.left', { course_id: 'DemoX' });
    const error = await errorOf(() => module.close());
    expect(error).toBeInstanceOf(EventViolationError);
    expect((error as EventViolationError).violations).toMatchObject([
      { kind: 'unregistered', name: 'course.left', count: 1 },
    ]);
    expect(error.message).toContain('course.left');
    expect(error.message).toContain('event-types-in-nest.spec.ts');
    expect(sent).toHaveLength(2);
    expect(closed.filter((name) => name === 'backend')).toHaveLength(3);
  });

  it('lets all other modules close first', async () => {
    const module = await started({});
    module.get(Tracker).emit('course.left');
    await errorOf(() => module.close());
    expect(closed).toEqual(
      expect.arrayContaining(['LocalConnection', 'GlobalBefore', 'GlobalAfter']),
    );
  });

  it('makes closing a listening application fail after its port is released', async () => {
    @Module({ imports: [EventTrackingModule.forRoot({ strict: true, registerGlobally: true })] })
    class AppModule {}
    const { app, url } = await listen('Express', AppModule);
    app.get(Tracker).emit('course.left');
    expect(await errorOf(() => app.close())).toBeInstanceOf(EventViolationError);
    await expect(fetch(url)).rejects.toThrow();
    expect(() => getTracker()).toThrow(UnknownTrackerError);
  });

  it('applies to named trackers', async () => {
    const module = await started({});
    const audit = module.get<Tracker>(getTrackerToken('audit'));
    audit.emit('access.granted');
    const error = await errorOf(() => module.close());
    expect(error.message).toContain('access.granted');
    expect(sent).toHaveLength(1);
  });

  it('reports the violations of all trackers', async () => {
    const module = await started({});
    module.get(Tracker).emit('course.left');
    module.get<Tracker>(getTrackerToken('audit')).emit('access.granted');
    const { message } = await errorOf(() => module.close());
    expect(message).toContain('course.left');
    expect(message).toContain('access.granted');
  });

  it('reports violations from before the tree was built', async () => {
    @Injectable()
    class Early {
      constructor(tracker: Tracker) {
        tracker.emit(CourseEnrolled, { course_id: 7 as unknown as string });
      }
    }
    const module = await compile([EventTrackingModule.forRoot({ strict: true })], [Early]);
    await module.init();
    expect((await errorOf(() => module.close())).message).toContain('course_id');
  });

  it('makes flush fail, as without Nest', async () => {
    const module = await started({});
    const tracker = module.get(Tracker);
    tracker.emit('course.left');
    expect(await errorOf(() => tracker.flush())).toBeInstanceOf(EventViolationError);
    await errorOf(() => module.close());
  });

  it('only logs violations if it is false', async () => {
    const module = await started({ strict: false });
    module.get(Tracker).emit('course.left');
    await module.close();
    expect(module.logger.complaints.join()).toContain('course.left');
    expect(sent).toHaveLength(2);
  });
});

describe('A context with values that JSON cannot represent', () => {
  class Service {
    @TrackContext('course', { seats: 10n })
    work(): void {}

    @TrackContext('access', { rights: Symbol('all') }, { tracker: 'audit' })
    enter(): void {}
  }

  @Controller()
  class ServingController {
    constructor(private readonly tracker: Tracker) {}

    @Get()
    @UseInterceptors(new TrackContextInterceptor('intercepted', () => ({ seats: 10n })))
    serve(): void {
      this.tracker.emit('served');
      this.tracker.emit('served');
    }
  }

  const found = (tracker: Tracker) =>
    tracker.violations.map(({ kind, name, count }) => [kind, name, count]);

  it('is reported on the tracker of its decorator', async () => {
    const tracking = EventTrackingModule.forRoot({ trackers: { audit: {} } });
    const module = await (await compile([tracking], [Service])).init();
    module.get(Service).work();
    module.get(Service).enter();
    expect(found(module.get(Tracker))).toEqual([['unserialisable', 'course', 1]]);
    expect(found(module.get(getTrackerToken('audit')))).toEqual([['unserialisable', 'access', 1]]);
    await module.close();
  });

  it('is reported for an interceptor, and for each event of a request', async () => {
    @Module({
      imports: [EventTrackingModule.forRoot({ context: { request: () => ({ id: 10n }) } })],
      controllers: [ServingController],
    })
    class ServingModule {}
    await using served = await listen('Express', ServingModule);
    expect((await fetch(served.url)).status).toBe(200);
    expect(found(served.app.get(Tracker))).toEqual([
      ['unserialisable', 'intercepted', 1],
      ['unserialisable', 'request', 2],
    ]);
  });
});

describe('EventTrackingTestingModule', () => {
  @Injectable()
  class CoursesService {
    constructor(private readonly tracker: Tracker) {}

    enrol(course_id: string): void {
      this.tracker.emit(CourseEnrolled, { course_id });
      this.tracker.emit('order.paid');
    }
  }

  @Module({
    imports: [EventTrackingModule.forFeature([OrderPaid])],
    providers: [CoursesService],
    exports: [CoursesService],
  })
  class CoursesModule {}

  it('registers the types of features and records events with their ids', async () => {
    const module = await compile([
      EventTrackingTestingModule.forRoot({ trackers: ['audit'] }),
      CoursesModule,
    ]);
    await module.init();
    module.get(CoursesService).enrol('DemoX');
    const { records, events } = module.get(RecordingBackend);
    expect(records.map(({ name }) => name).toSorted()).toEqual(['course.enrolled', 'order.paid']);
    expect(events.map(({ name, name_id }) => [name, name_id])).toEqual(
      events.map(({ name }) => [name, recordNamed(records, name).id]),
    );
    expect(module.get(Tracker).violations).toEqual([]);
    const audit = module.get<RecordingBackend>(getRecordingToken('audit'));
    expect(audit.records.map(({ name }) => name)).toEqual(['order.paid']);
    await module.close();
  });

  it('exposes violations on the tracker', async () => {
    const module = await compile([EventTrackingTestingModule.forRoot(), CoursesModule]);
    await module.init();
    module.get(CoursesService).enrol(7 as unknown as string);
    expect(module.get(Tracker).violations).toMatchObject([
      { kind: 'invalid', name: 'course.enrolled', message: expect.stringContaining('course_id') },
    ]);
    await module.close();
  });
});
