import { cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AsyncRoutingBackend,
  createEventTrackingWorker,
  defineContext,
  defineEvent,
  DeliveringBackend,
  EmitEvent,
  EventTrackingModule,
  getTracker,
  InjectBackend,
  InjectTracker,
  LoggerBackend,
  MemoryBackend,
  MemoryEventQueue,
  observeStats,
  RegexFilter,
  RoutingBackend,
  TrackContext,
  Tracker,
  TrackContextInterceptor,
  type Backend,
  type EventTrackingModuleAsyncOptions,
  type EventTrackingModuleOptions,
} from 'nestjs-event-tracking';
import { bullMqQueue, BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { MongoBackend, mongoBackend } from 'nestjs-event-tracking/mongo';
import { segmentBackend, SegmentBackend } from 'nestjs-event-tracking/segment';
import { EventTrackingTestingModule } from 'nestjs-event-tracking/testing';
import { ThreadProcessor } from 'nestjs-event-tracking/threads';
import { describe, expect, it } from 'vitest';
import { RecordingLogger } from './support/recording-logger.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

/** What somebody who makes the mistake reads; SHOW_MESSAGES=1 prints all of it. */
function read(mistake: string, message: string): string {
  if (process.env['SHOW_MESSAGES'] === '1')
    console.log(`\n${mistake}\n  ${message.replaceAll('\n', '\n  ')}`);
  return message;
}

async function failure(mistake: string, action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return read(mistake, (error as Error).message);
  }
  throw new Error(`${mistake}: nothing was thrown`);
}

/** Boots an application; one that never gets ready fails too. */
async function boot(metadata: ModuleMetadata, logger = new RecordingLogger()): Promise<void> {
  const compiled = Test.createTestingModule(metadata)
    .setLogger(logger)
    .compile()
    .then((module) => module.init());
  const hangs = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('the application never got ready')), 5_000).unref();
  });
  const module = await Promise.race([compiled, hangs]);
  await module.close();
}

const configure = (options: unknown) =>
  EventTrackingModule.forRoot(options as EventTrackingModuleOptions);
const configureAsync = (options: object) =>
  EventTrackingModule.forRootAsync(options as EventTrackingModuleAsyncOptions);
const warehouse = (mongo: unknown) =>
  configure({ backends: { warehouse: { backends: { mongo } } } });

class NoBackend {
  receive(): void {}
}

@Injectable()
class TypeImported implements Backend {
  constructor(readonly service: object) {}

  send(): void {}
}
// What the compiler writes down of a class that is imported as a type.
Reflect.defineMetadata('design:paramtypes', [Object], TypeImported);

describe('at declaration, a configuration that cannot work says where, what was received and how to mend it:', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'an undefined backend',
      () => warehouse(undefined),
      /^backends\.warehouse\.backends\.mongo: expected .*received undefined/,
    ],
    [
      'a string',
      () => warehouse('mongo'),
      /^backends\.warehouse\.backends\.mongo: expected .*received the string 'mongo'/,
    ],
    [
      'an object without send',
      () => warehouse({ sned() {} }),
      /^backends\.warehouse\.backends\.mongo: .*the keys? 'sned'/,
    ],
    [
      'a class that is no backend',
      () => warehouse(NoBackend),
      /^backends\.warehouse\.backends\.mongo: .*the class NoBackend.* has no method send.*useClass: NoBackend/,
    ],
    [
      'two kinds at once',
      () => warehouse({ useClass: MemoryBackend, useValue: 1 }),
      /expected one of .*received useClass and useValue/,
    ],
    [
      'an undefined class',
      () => warehouse({ useClass: undefined }),
      /useClass: expected a class, received undefined.*imported in a circle, or by 'import type'/,
    ],
    [
      'an undefined token',
      () => warehouse({ useExisting: undefined }),
      /useExisting: expected a token, received undefined/,
    ],
    [
      'inject that is no array',
      () => warehouse({ useFactory: () => ({}), inject: NoBackend }),
      /inject: expected an array of tokens, received the class NoBackend/,
    ],
    [
      'a name with a dot',
      () => configure({ backends: { 'my.mongo': new MemoryBackend() } }),
      /a string without dots.*'my_mongo'/,
    ],
    [
      'a key of a node that nobody knows',
      () => configure({ backends: { a: { backends: {}, filters: [] } } }),
      /^backends\.a: the key 'filters' is unknown\. Known are: queue, processors, backends/,
    ],
    [
      'a key that nobody knows',
      () => configure({ backend: {} }),
      /^EventTrackingModule: the key 'backend' is unknown\. Known are: .*backends/,
    ],
    [
      'a processor that is none',
      () => configure({ processors: [7] }),
      /^processors\[0\]: must be a processor.*received the number 7/,
    ],
    [
      'processors that are no array',
      () => configure({ processors: () => {} }),
      /^processors: expected an array/,
    ],
    [
      'the default tracker twice',
      () => configure({ trackers: { default: {} } }),
      /^trackers\.default: the default tracker is configured by/,
    ],
    [
      'a tracker that is none',
      () => configure({ trackers: { audit: null } }),
      /^trackers\.audit: expected an object such as \{ backends/,
    ],
    [
      'a context that is none',
      () => configure({ context: true }),
      /^context: expected false or an object/,
    ],
    [
      'keys of CLS that are none',
      () => configure({ context: { cls: 'tenantId' } }),
      /^context\.cls: expected an array of keys such as/,
    ],
    [
      'a time that is none',
      () => configure({ shutdownTimeout: '10s' }),
      /^shutdownTimeout: expected a number above 0, received the string '10s'/,
    ],
    [
      'a locator that is none',
      () => configure({ contextLocator: {} }),
      /^contextLocator: expected an instance with get\(\) and run\(\)/,
    ],
    [
      'forRootAsync without a source',
      () => EventTrackingModule.forRootAsync({}),
      /expected useFactory, useClass or useExisting, received none/,
    ],
    [
      'a filter type',
      () => new RegexFilter({ filterType: 'whitelist' as 'allowlist' }),
      /filterType is 'allowlist' or 'blocklist', received the string 'whitelist'/,
    ],
    [
      'an expression',
      () => new RegexFilter({ regularExpressions: ['('] }),
      /regularExpressions\[0\]/,
    ],
    [
      'two backends of one name',
      () =>
        new RoutingBackend({ backends: { a: new MemoryBackend() } }).registerBackend(
          'a',
          new MemoryBackend(),
        ),
      /^backends\.a: .*already/,
    ],
    [
      'a class instead of an instance',
      () => new RoutingBackend({ backends: { a: MemoryBackend as never } }),
      /^backends\.a: .*Pass an instance: new MemoryBackend/,
    ],
    [
      'an unknown tracker',
      () => getTracker('audti'),
      /audti.*is registered.*registerTracker\(tracker, name\).*registerGlobally: true/,
    ],
    [
      'an unknown backend',
      () => new Tracker({ backends: { log: new MemoryBackend() } }).getBackend('logs'),
      /logs.*It has: log/,
    ],
    [
      'an unknown context',
      () => new Tracker().exitContext('request'),
      /'request' is not entered here\. Entered are: none/,
    ],
    [
      'a context that is no object',
      () => new Tracker().enterContext('user', null as never),
      /The context 'user' is an object of keys and values, received null/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('a misspelt option is noticed where it is passed, and the right ones are listed:', () => {
  const connection = { host: 'localhost', port: 6379 };
  const here = new URL(import.meta.url);
  it.each<[string, () => unknown, RegExp]>([
    [
      'of a logger',
      () => new LoggerBackend({ levle: 'warn' } as never),
      /^LoggerBackend: the key 'levle' is unknown\. Known are: logger, level/,
    ],
    [
      'of a backend in memory',
      () => new MemoryBackend({ capactiy: 5 } as never),
      /^MemoryBackend: the key 'capactiy' is unknown\. Known are: capacity/,
    ],
    [
      'of a queue in memory',
      () => new MemoryEventQueue({ capactiy: 5 } as never),
      /^MemoryEventQueue: the key 'capactiy' is unknown\. Known are: capacity, maxBytes, overflow, concurrency\./,
    ],
    [
      'of a filter',
      () => new RegexFilter({ expressions: ['a'] } as never),
      /^RegexFilter: the key 'expressions' is unknown\. Known are: filterType, regularExpressions/,
    ],
    [
      'of a tracker',
      () => new Tracker({ backend: {} } as never),
      /^Tracker: the key 'backend' is unknown\. Known are: backends/,
    ],
    [
      'of a node',
      () => new RoutingBackend({ backend: {} } as never),
      /^RoutingBackend: the key 'backend' is unknown/,
    ],
    [
      'of a node behind a queue',
      () => new AsyncRoutingBackend({ que: {} } as never),
      /^AsyncRoutingBackend: the key 'que' is unknown\. Known are: queue/,
    ],
    [
      'of an observed account',
      () => observeStats(new Tracker(), { intervl: 5 } as never),
      /^observeStats: the key 'intervl' is unknown/,
    ],
    [
      'of an event type',
      () => defineEvent('a.b', { description: 'x', feilds: {} } as never),
      /^The event type 'a\.b': the key 'feilds' is unknown\. Known are: description, fields, schema, example, contexts\./,
    ],
    [
      'of a context type',
      () => defineContext('a', { description: 'x', contexts: [] } as never),
      /^The context type 'a': the key 'contexts' is unknown/,
    ],
    [
      'of a field',
      () =>
        defineEvent('a.b', {
          description: 'x',
          fields: { c: { description: 'd', optinal: true } },
        } as never),
      /^The event type 'a\.b': fields\.c: the key 'optinal' is unknown/,
    ],
    [
      'of a decorated method',
      () => EmitEvent('a.b', { dta: {} } as never),
      /^@EmitEvent\('a\.b'\): the key 'dta' is unknown\. Known are: data, on, tracker/,
    ],
    [
      'of a decorated context',
      () => TrackContext('a', {}, { tracer: 'b' } as never),
      /^@TrackContext\('a'\): the key 'tracer' is unknown/,
    ],
    [
      'of an interceptor',
      () => new TrackContextInterceptor('a', {}, { tracer: 'b' } as never),
      /^TrackContextInterceptor: the key 'tracer' is unknown/,
    ],
    [
      'of forRootAsync',
      () => configureAsync({ useFactory: () => ({}), expos: {} }),
      /^EventTrackingModule\.forRootAsync: the key 'expos' is unknown\. Known are: useFactory/,
    ],
    [
      'of what forRootAsync exposes',
      () => configureAsync({ useFactory: () => ({}), expose: { tracker: ['audit'] } }),
      /^expose: the key 'tracker' is unknown\. Known are: trackers, backends/,
    ],
    [
      'of a module for tests',
      () => EventTrackingTestingModule.forRoot({ tracker: ['a'] } as never),
      /^EventTrackingTestingModule: the key 'tracker' is unknown/,
    ],
    [
      'of MongoDB',
      () => mongoBackend({ colection: 'a' } as never),
      /^mongoBackend: the key 'colection' is unknown\. Known are: connectionName, delivery, collection/,
    ],
    [
      'of the delivery to MongoDB',
      () => mongoBackend({ delivery: { batchsize: 5 } }),
      /^mongoBackend: delivery: the key 'batchsize' is unknown/,
    ],
    [
      'of the delivery to Segment',
      () => segmentBackend({ writeKey: 'key', delivery: { batchsize: 5 } }),
      /^segmentBackend: delivery: the key 'batchsize' is unknown/,
    ],
    [
      'of BullMQ',
      () => new BullMqEventQueue({ connection, eventPerJob: 5 } as never),
      /^BullMqEventQueue: the key 'eventPerJob' is unknown/,
    ],
    [
      'of a definition for BullMQ',
      () => bullMqQueue({ conection: connection } as never),
      /^bullMqQueue: the key 'conection' is unknown/,
    ],
    [
      'of a queue on disk',
      () => new DiskEventQueue({ directory: 'var', syncInteval: 5 } as never),
      /^DiskEventQueue: the key 'syncInteval' is unknown/,
    ],
    [
      'of what waits for the disk',
      () => new DiskEventQueue({ directory: 'var', delivery: { retry: false } } as never),
      /^DiskEventQueue: delivery: the key 'retry' is unknown/,
    ],
    [
      'of threads',
      () => new ThreadProcessor(here, { maxThreads: 5 } as never),
      /^ThreadProcessor: the key 'maxThreads' is unknown\. Known are: threads/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('at declaration, what would do nothing later is refused:', () => {
  const useFactory = () => ({});
  it.each<[string, () => unknown, RegExp]>([
    [
      'a logger in place of options',
      () => new LoggerBackend('Audit' as never),
      /^LoggerBackend: expected an object such as \{ logger \}, received the string 'Audit'/,
    ],
    [
      'a capacity in place of options',
      () => new MemoryBackend(500 as never),
      /^MemoryBackend: expected an object such as \{ capacity \}, received the number 500/,
    ],
    [
      'expressions in place of options',
      () => new RegexFilter(['a'] as never),
      /^RegexFilter: expected an object such as \{ filterType \}, received an array of 1/,
    ],
    [
      'a class to deliver to',
      () => new DeliveringBackend(MemoryBackend as never),
      /^DeliveringBackend: expected a backend with a method send\(event\), received the class MemoryBackend\. Pass an instance/,
    ],
    [
      'trackers as a list',
      () => configure({ trackers: [] }),
      /^trackers: expected an object of trackers by name, received an array of 0/,
    ],
    [
      'trackers as a Map',
      () => configure({ trackers: new Map() }),
      /^trackers: expected an object of trackers by name, received an instance of Map/,
    ],
    [
      'isGlobal that is a word',
      () => configure({ isGlobal: 'no' }),
      /^isGlobal: expected true or false, received the string 'no'/,
    ],
    [
      'imports that are no list',
      () => configure({ imports: NoBackend }),
      /^imports: expected an array of modules, received the class NoBackend/,
    ],
    [
      'trackers of a testing module that are no list',
      () => EventTrackingTestingModule.forRoot({ trackers: {} } as never),
      /^EventTrackingTestingModule: trackers must be an array of names; received an object/,
    ],
    [
      'backends beside a factory',
      () => configureAsync({ useFactory, backends: {} }),
      /^EventTrackingModule\.forRootAsync: the key 'backends' belongs into what the factory returns/,
    ],
    [
      'an exposed list',
      () => configureAsync({ useFactory, expose: ['audit'] }),
      /^expose: expected an object such as \{ trackers \}, received an array of 1/,
    ],
    [
      'an exposed tracker that is no list',
      () => configureAsync({ useFactory, expose: { trackers: 'audit' } }),
      /^expose\.trackers: expected an array of names such as \['audit'\], received the string 'audit'/,
    ],
    [
      'an exposed path that is no list',
      () => configureAsync({ useFactory, expose: { backends: 'warehouse.mongo' } }),
      /^expose\.backends: expected an array of paths such as \['warehouse\.mongo'\], received the string 'warehouse\.mongo'/,
    ],
    [
      'an exposed backend without a path',
      () => configureAsync({ useFactory, expose: { backends: [{ name: 'a' }] } }),
      /^expose\.backends\[0\]: expected a path such as 'warehouse\.mongo', or \{ tracker, path \}, received an object with the keys 'name'/,
    ],
    [
      'a factory that is none',
      () => configureAsync({ useFactory: {} }),
      /^EventTrackingModule\.forRootAsync: useFactory: expected a function, received an object/,
    ],
    [
      'inject that is no list',
      () => configureAsync({ useFactory, inject: NoBackend }),
      /^EventTrackingModule\.forRootAsync: inject: expected an array of tokens, received the class NoBackend/,
    ],
    [
      'two sources of options',
      () => configureAsync({ useFactory, useClass: NoBackend }),
      /^EventTrackingModule\.forRootAsync: expected useFactory, useClass or useExisting, received useFactory and useClass\. Keep one/,
    ],
    [
      'an event of no name',
      () => EmitEvent(undefined as never),
      /^@EmitEvent: expected the name of an event or what defineEvent returns, received undefined\..*imported in a circle/,
    ],
    [
      'data of an event that are none',
      () => EmitEvent('a.b', { data: 'c' as never }),
      /^@EmitEvent\('a\.b'\): data is an object or a function that makes one, received the string 'c'/,
    ],
    [
      'an event of a class',
      () => Reflect.decorate([EmitEvent('a.b') as ClassDecorator], NoBackend),
      /^@EmitEvent\('a\.b'\) decorates methods of instances; NoBackend is a class\./,
    ],
    [
      'an event of a property',
      () => EmitEvent('a.b')(NoBackend.prototype, 'field', undefined as never),
      /^@EmitEvent\('a\.b'\) decorates methods of instances; field of NoBackend is a property\./,
    ],
    [
      'a context that is none',
      () => TrackContext({ a: 1 } as never),
      /^@TrackContext: expected the name of a context or what defineContext returns, received an object/,
    ],
    [
      'values of a context that are none',
      () => TrackContext('a', 'b' as never),
      /^@TrackContext\('a'\): the values are an object or a function that makes one, received the string 'b'/,
    ],
    [
      'options of MongoDB that are an address',
      () => mongoBackend('mongodb://localhost' as never),
      /^mongoBackend: expected an object such as \{ connectionName \}, received the string/,
    ],
    [
      'no options of MongoDB',
      () => new MongoBackend(undefined as never),
      /^MongoBackend: expected an object such as \{ connection \}, received undefined/,
    ],
    [
      'options of BullMQ that are an address',
      () => bullMqQueue('redis://localhost' as never),
      /^bullMqQueue: expected an object such as \{ connection \}, received the string/,
    ],
    [
      'no options of BullMQ',
      () => new BullMqEventQueue(undefined as never),
      /^BullMqEventQueue: expected an object such as \{ connection \}, received undefined/,
    ],
    [
      'no options of a queue on disk',
      () => new DiskEventQueue('var' as never),
      /^DiskEventQueue: expected an object such as \{ directory \}, received the string 'var'/,
    ],
    [
      'no options of Segment',
      () => segmentBackend(undefined as never),
      /^segmentBackend: expected an object such as \{ writeKey \}, received undefined/,
    ],
    [
      'a key in place of options of Segment',
      () => new SegmentBackend('key' as never),
      /^SegmentBackend: expected an object such as \{ writeKey \}, received the string 'key'/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('at bootstrap', () => {
  class Chatty {
    constructor(readonly tracker: Tracker) {}
  }
  Injectable()(Chatty);
  Reflect.defineMetadata('design:paramtypes', [Tracker], Chatty);

  it('a module that is not imported is named', async () => {
    const message = await failure('EventTrackingModule is not imported', () =>
      boot({ providers: [Chatty] }),
    );
    expect(message).toMatch(/Nest can't resolve dependencies of the Chatty \(\?\)/);
    expect(message).toMatch(/Tracker at index \[0\]/);
  });

  it('a tracker that is not configured is named', async () => {
    @Injectable()
    class Auditing {
      constructor(@InjectTracker('adit') readonly tracker: Tracker) {}
    }
    const message = await failure('@InjectTracker of an unknown name', () =>
      boot({ imports: [configure({ trackers: { audit: {} } })], providers: [Auditing] }),
    );
    expect(message).toMatch(/event-tracking:tracker:adit/);
  });

  it('a service that is imported as a type is explained', async () => {
    const message = await failure('import type of what a backend depends on', () =>
      boot({ imports: [configure({ backends: { mongo: TypeImported } })] }),
    );
    expect(message).toMatch(/^backends\.mongo: it could not be made\./);
    expect(message).toMatch(/TypeImported \(\?\)/);
    expect(message).toMatch(/import type/);
  });

  it('where a backend finds what it depends on is told', async () => {
    const message = await failure('a backend whose dependency no module provides', () =>
      boot({ imports: [configure({ backends: { mongo: mongoBackend() } })] }),
    );
    expect(message).toMatch(
      /^backends\.mongo: it could not be made\. What it depends on is looked for in global modules and in imports, beside backends: add the module that exports it there\. Error: Nest can't resolve.*"DatabaseConnection"/,
    );
  });

  it('wrong options that a factory finds are told by its place', async () => {
    const message = await failure('a backend whose factory refuses its options', () =>
      boot({ imports: [configure({ backends: { segment: segmentBackend({ writeKey: '' }) } })] }),
    );
    expect(message).toMatch(
      /^backends\.segment: SegmentBackend: expected the write key of a Segment source, received the string ''/,
    );
  });

  it('a factory that fails is told by its place', async () => {
    const useFactory = () => Promise.reject(new Error('no route to host'));
    const message = await failure('a factory that rejects', () =>
      boot({
        imports: [configure({ backends: { warehouse: { backends: { mongo: { useFactory } } } } })],
      }),
    );
    expect(message).toBe(
      'backends.warehouse.backends.mongo: it could not be made. Error: no route to host',
    );
  });

  it('a factory that makes no backend is told by its place', async () => {
    const message = await failure('a factory that makes no backend', () =>
      boot({ imports: [configure({ backends: { mongo: { useFactory: () => ({}) } } })] }),
    );
    expect(message).toMatch(
      /^backends\.mongo: expected a backend with a method send\(event\), received an object with no keys/,
    );
  });

  it('a factory that makes no processor is told by its place', async () => {
    const processors = [{ useFactory: () => 5 }];
    const nested = () =>
      boot({ imports: [configure({ backends: { warehouse: { processors, backends: {} } } })] });
    expect(await failure('a factory that makes no processor', nested)).toMatch(
      /^backends\.warehouse\.processors\[0\]: must be a processor .*; received the number 5/,
    );
    const audit = () => boot({ imports: [configure({ trackers: { audit: { processors } } })] });
    expect(await failure('a factory of a further tracker', audit)).toMatch(
      /^trackers\.audit\.processors\[0\]: must be a processor .*, received the number 5/,
    );
  });

  it('a factory that makes a list of the options is refused', async () => {
    const listing = () =>
      boot({ imports: [EventTrackingModule.forRootAsync({ useFactory: () => [] as object })] });
    expect(await failure('options that are a list', listing)).toMatch(
      /^EventTrackingModule: expected an object of options, received an array of 0/,
    );
  });

  it('a second import is refused', async () => {
    const message = await failure('imported twice', () =>
      boot({ imports: [configure({}), configure({ maxEventSize: 1 })] }),
    );
    expect(message).toMatch(
      /imported 2 times in one application\. Import forRoot\(\) or forRootAsync\(\) once, in the root module/,
    );
  });

  it('what belongs beside a factory is not taken from it', async () => {
    const message = await failure('isGlobal in what a factory returns', () =>
      boot({ imports: [configureAsync({ useFactory: () => ({ isGlobal: false }) })] }),
    );
    expect(message).toMatch(
      /^isGlobal stands beside useFactory in forRootAsync, not in what the factory returns/,
    );
  });

  it('a class that makes no options is named', async () => {
    const message = await failure('useClass without createEventTrackingOptions', () =>
      boot({ imports: [configureAsync({ useClass: NoBackend })] }),
    );
    expect(message).toMatch(
      /^EventTrackingModule\.forRootAsync: .*method createEventTrackingOptions\(\), received an instance of NoBackend/,
    );
  });

  it('a worker without event tracking is refused', async () => {
    class Bare {}
    Module({})(Bare);
    const message = await failure('a worker of a module without event tracking', () =>
      createEventTrackingWorker(Bare, { logger: false }),
    );
    expect(message).toMatch(/^createEventTrackingWorker: Bare imports no EventTrackingModule\./);
  });

  it('a worker that has no queue to empty says so', async () => {
    const logger = new RecordingLogger();
    await boot(
      { imports: [configure({ worker: true, backends: { a: new MemoryBackend() } })] },
      logger,
    );
    expect(logger.complaints.join('\n')).toMatch(/worker.*no node of the tree has a queue/);
  });

  it('what is exposed and not configured is named', async () => {
    const exposing = (expose: object) => () =>
      boot({
        imports: [
          EventTrackingModule.forRootAsync({
            useFactory: () => ({ backends: { log: new MemoryBackend() } }),
            expose,
          }),
        ],
      });
    expect(await failure('an exposed backend', exposing({ backends: ['mongo'] }))).toMatch(
      /^expose\.backends: the tracker 'default' has no backend 'mongo' configured\. Configured are: log/,
    );
    expect(await failure('an exposed tracker', exposing({ trackers: ['audit'] }))).toMatch(
      /^expose\.trackers: the tracker 'audit' is not configured\. Configured are: default/,
    );
  });

  it('a decorator that names an unknown tracker is told', async () => {
    class Service {
      @EmitEvent('done', { tracker: 'adit' })
      work(): void {}
    }
    expect(
      await failure('a decorator’s tracker', () =>
        boot({ imports: [configure({})], providers: [Service] }),
      ),
    ).toMatch(/'done' on Service\.work names the tracker 'adit'/);
  });
});

describe('a backend that depends on what depends on it is refused with the circle, and does not hang', () => {
  @Injectable()
  class Reports {
    constructor(@InjectBackend('warehouse.mongo') readonly backend: Backend) {}
  }

  @Injectable()
  class MongoBackend implements Backend {
    constructor(readonly reports: Reports) {}

    send(): void {}
  }

  @Module({ providers: [Reports], exports: [Reports] })
  class ReportsModule {}

  it.each<[string, unknown]>([
    ['through a class', MongoBackend],
    ['through useClass', { useClass: MongoBackend }],
    [
      'through a factory',
      { useFactory: (reports: Reports) => new MongoBackend(reports), inject: [Reports] },
    ],
    ['through an alias', { useExisting: Reports }],
  ])('%s', async (how, mongo) => {
    const tracking = configure({
      imports: [ReportsModule],
      backends: { warehouse: { backends: { mongo } } },
    });
    const message = await failure(`a circle ${how}`, () => boot({ imports: [tracking] }));
    expect(message).toMatch(
      /^backends\.warehouse\.backends\.mongo: this backend depends on what depends on it: backends\.warehouse\.backends\.mongo → Reports → backends\.warehouse\.backends\.mongo\. .*inject Tracker/,
    );
  });

  it('through another backend and through a node', async () => {
    @Injectable()
    class NodeUser {
      constructor(@InjectBackend('warehouse') readonly node: Backend) {}
    }
    @Module({ providers: [NodeUser], exports: [NodeUser] })
    class NodeUserModule {}
    const mongo = { useFactory: (user: NodeUser) => user.node, inject: [NodeUser] };
    const tracking = configure({
      imports: [NodeUserModule],
      backends: { warehouse: { backends: { mongo } } },
    });
    expect(await failure('a circle through a node', () => boot({ imports: [tracking] }))).toMatch(
      /depends on what depends on it: .*NodeUser/,
    );
  });

  it('and a backend may depend on what depends on another backend', async () => {
    @Injectable()
    class Log extends MemoryBackend {}
    @Injectable()
    class Reader {
      constructor(@InjectBackend('log') readonly log: Backend) {}
    }
    @Module({ providers: [Reader], exports: [Reader] })
    class ReaderModule {}
    const second = {
      useFactory: ({ log }: Reader) => ({ send: (event: never) => log.send(event) }),
      inject: [Reader],
    };
    const tracking = configure({ imports: [ReaderModule], backends: { log: Log, second } });
    await expect(boot({ imports: [tracking] })).resolves.toBeUndefined();
  });
});

it('a missing peer is named', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'missing-peer-'));
  const modules = join(directory, 'node_modules');
  await mkdir(join(modules, '@nestjs'), { recursive: true });
  await cp(join(ROOT, 'libs/event-tracking/dist'), join(modules, 'nestjs-event-tracking/dist'), {
    recursive: true,
  });
  await cp(
    join(ROOT, 'libs/event-tracking/package.json'),
    join(modules, 'nestjs-event-tracking/package.json'),
  );
  for (const name of ['@nestjs/common', '@nestjs/core', 'rxjs', 'reflect-metadata']) {
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await writeFile(
    join(directory, 'main.mjs'),
    "import 'reflect-metadata'; import 'nestjs-event-tracking';",
  );
  const { code, output } = await runNode(['main.mjs'], { cwd: directory });
  expect(code).toBe(1);
  expect(read('a missing peer', /.*Cannot find package.*/.exec(output)?.[0] ?? '')).toMatch(
    /'nestjs-cls' imported from/,
  );
});
