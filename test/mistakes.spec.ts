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
import { describe, expect, it, vi } from 'vitest';
import { RecordingLogger } from './support/recording-logger.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

/** Returns the message that a mistake produces; SHOW_MESSAGES=1 prints it. */
function show(mistake: string, message: string): string {
  if (process.env['SHOW_MESSAGES'] === '1')
    console.log(`\n${mistake}\n  ${message.replaceAll('\n', '\n  ')}`);
  return message;
}

async function failure(mistake: string, action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return show(mistake, (error as Error).message);
  }
  throw new Error(`${mistake}: nothing was thrown`);
}

/** Boots and closes an application; rejects if bootstrap hangs. */
async function boot(metadata: ModuleMetadata, logger = new RecordingLogger()): Promise<void> {
  const compiled = Test.createTestingModule(metadata)
    .setLogger(logger)
    .compile()
    .then((module) => module.init());
  const hangs = new Promise<never>((_, reject) => {
    setTimeout(
      () => reject(new Error('bootstrap did not complete within 5 seconds')),
      5_000,
    ).unref();
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

class NotABackend {
  receive(): void {}
}

@Injectable()
class TypeImported implements Backend {
  constructor(readonly service: object) {}

  send(): void {}
}
// The metadata that the compiler emits for a parameter whose type comes from `import type`.
Reflect.defineMetadata('design:paramtypes', [Object], TypeImported);

describe('A configuration error at declaration names the option, the received value and the fix:', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'an undefined backend',
      () => warehouse(undefined),
      /^backends\.warehouse\.backends\.mongo must be an instance with send\(\).*; received undefined\./,
    ],
    [
      'a string',
      () => warehouse('mongo'),
      /^backends\.warehouse\.backends\.mongo must be .*; received the string 'mongo'/,
    ],
    [
      'an object without send',
      () => warehouse({ sned() {} }),
      /^backends\.warehouse\.backends\.mongo must be .*the keys? 'sned'/,
    ],
    [
      'a class that is not a backend',
      () => warehouse(NotABackend),
      /^backends\.warehouse\.backends\.mongo must be .*the class NotABackend.* has no method send.*useClass: NotABackend/,
    ],
    [
      'a definition with two sources',
      () => warehouse({ useClass: MemoryBackend, useValue: 1 }),
      /must have exactly one of .*; received useClass and useValue/,
    ],
    [
      'an undefined class',
      () => warehouse({ useClass: undefined }),
      /useClass must be a class; received undefined.*circular import or an 'import type'/,
    ],
    [
      'an undefined token',
      () => warehouse({ useExisting: undefined }),
      /useExisting must be a token; received undefined/,
    ],
    [
      'inject that is not an array',
      () => warehouse({ useFactory: () => ({}), inject: NotABackend }),
      /inject must be an array of tokens; received the class NotABackend/,
    ],
    [
      'a backend name with a dot',
      () => configure({ backends: { 'my.mongo': new MemoryBackend() } }),
      /must be a non-empty string without dots.*'my_mongo'/,
    ],
    [
      'an unknown option of a node',
      () => configure({ backends: { a: { backends: {}, filters: [] } } }),
      /^backends\.a: unknown option 'filters'; supported options: queue, processors, backends/,
    ],
    [
      'an unknown option of the module',
      () => configure({ backend: {} }),
      /^EventTrackingModule: unknown option 'backend'; supported options: .*backends/,
    ],
    [
      'a processor that is a number',
      () => configure({ processors: [7] }),
      /^processors\[0\]: must be a processor.*received the number 7/,
    ],
    [
      'processors that are not an array',
      () => configure({ processors: () => {} }),
      /^processors must be an array/,
    ],
    [
      'a second default tracker',
      () => configure({ trackers: { default: {} } }),
      /^trackers\.default: the name 'default' is reserved for the default tracker\. Configure it/,
    ],
    [
      'a tracker that is null',
      () => configure({ trackers: { audit: null } }),
      /^trackers\.audit must be an object such as \{ backends/,
    ],
    [
      'a context that is true',
      () => configure({ context: true }),
      /^context must be false or an object/,
    ],
    [
      'CLS keys that are not an array',
      () => configure({ context: { cls: 'tenantId' } }),
      /^context\.cls must be an array of keys such as/,
    ],
    [
      'a timeout that is a string',
      () => configure({ shutdownTimeout: '10s' }),
      /^shutdownTimeout must be a number above 0; received the string '10s'/,
    ],
    [
      'a context locator without methods',
      () => configure({ contextLocator: {} }),
      /^contextLocator must be an instance with get\(\) and run\(\)/,
    ],
    [
      'forRootAsync without a source of options',
      () => EventTrackingModule.forRootAsync({}),
      /must have exactly one of useFactory, useClass and useExisting; received none/,
    ],
    [
      'an unknown filter type',
      () => new RegexFilter({ filterType: 'whitelist' as 'allowlist' }),
      /filterType must be 'allowlist' or 'blocklist'; received the string 'whitelist'/,
    ],
    [
      'an invalid regular expression',
      () => new RegexFilter({ regularExpressions: ['('] }),
      /regularExpressions\[0\]/,
    ],
    [
      'two backends with one name',
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
      /'request' is not entered here; entered contexts: none/,
    ],
    [
      'a context that is not an object',
      () => new Tracker().enterContext('user', null as never),
      /The context 'user' must be an object of keys and values; received null/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('A misspelled option is rejected with a list of the supported ones:', () => {
  const connection = { host: 'localhost', port: 6379 };
  const here = new URL(import.meta.url);
  it.each<[string, () => unknown, RegExp]>([
    [
      'LoggerBackend',
      () => new LoggerBackend({ levle: 'warn' } as never),
      /^LoggerBackend: unknown option 'levle'; supported options: logger, level/,
    ],
    [
      'MemoryBackend',
      () => new MemoryBackend({ capactiy: 5 } as never),
      /^MemoryBackend: unknown option 'capactiy'; supported options: capacity/,
    ],
    [
      'MemoryEventQueue',
      () => new MemoryEventQueue({ capactiy: 5 } as never),
      /^MemoryEventQueue: unknown option 'capactiy'; supported options: capacity, maxBytes, overflow, concurrency\./,
    ],
    [
      'RegexFilter',
      () => new RegexFilter({ expressions: ['a'] } as never),
      /^RegexFilter: unknown option 'expressions'; supported options: filterType, regularExpressions/,
    ],
    [
      'Tracker',
      () => new Tracker({ backend: {} } as never),
      /^Tracker: unknown option 'backend'; supported options: backends/,
    ],
    [
      'RoutingBackend',
      () => new RoutingBackend({ backend: {} } as never),
      /^RoutingBackend: unknown option 'backend'/,
    ],
    [
      'AsyncRoutingBackend',
      () => new AsyncRoutingBackend({ que: {} } as never),
      /^AsyncRoutingBackend: unknown option 'que'; supported options: queue/,
    ],
    [
      'observeStats',
      () => observeStats(new Tracker(), { intervl: 5 } as never),
      /^observeStats: unknown option 'intervl'/,
    ],
    [
      'defineEvent',
      () => defineEvent('a.b', { description: 'x', feilds: {} } as never),
      /^The event type 'a\.b': unknown option 'feilds'; supported options: description, fields, schema, example, contexts, transaction\./,
    ],
    [
      'defineContext',
      () => defineContext('a', { description: 'x', contexts: [] } as never),
      /^The context type 'a': unknown option 'contexts'/,
    ],
    [
      'a field of an event type',
      () =>
        defineEvent('a.b', {
          description: 'x',
          fields: { c: { description: 'd', optinal: true } },
        } as never),
      /^The event type 'a\.b': fields\.c: unknown option 'optinal'/,
    ],
    [
      '@EmitEvent',
      () => EmitEvent('a.b', { dta: {} } as never),
      /^@EmitEvent\('a\.b'\): unknown option 'dta'; supported options: data, on, transaction, tracker/,
    ],
    [
      '@TrackContext',
      () => TrackContext('a', {}, { tracer: 'b' } as never),
      /^@TrackContext\('a'\): unknown option 'tracer'/,
    ],
    [
      'TrackContextInterceptor',
      () => new TrackContextInterceptor('a', {}, { tracer: 'b' } as never),
      /^TrackContextInterceptor: unknown option 'tracer'/,
    ],
    [
      'forRootAsync',
      () => configureAsync({ useFactory: () => ({}), expos: {} }),
      /^EventTrackingModule\.forRootAsync: unknown option 'expos'; supported options: useFactory/,
    ],
    [
      'expose of forRootAsync',
      () => configureAsync({ useFactory: () => ({}), expose: { tracker: ['audit'] } }),
      /^expose: unknown option 'tracker'; supported options: trackers, backends/,
    ],
    [
      'EventTrackingTestingModule',
      () => EventTrackingTestingModule.forRoot({ tracker: ['a'] } as never),
      /^EventTrackingTestingModule: unknown option 'tracker'/,
    ],
    [
      'mongoBackend',
      () => mongoBackend({ colection: 'a' } as never),
      /^mongoBackend: unknown option 'colection'; supported options: connectionName, delivery, collection/,
    ],
    [
      'delivery of mongoBackend',
      () => mongoBackend({ delivery: { batchsize: 5 } }),
      /^mongoBackend: delivery: unknown option 'batchsize'/,
    ],
    [
      'delivery of segmentBackend',
      () => segmentBackend({ writeKey: 'key', delivery: { batchsize: 5 } }),
      /^segmentBackend: delivery: unknown option 'batchsize'/,
    ],
    [
      'BullMqEventQueue',
      () => new BullMqEventQueue({ connection, eventPerJob: 5 } as never),
      /^BullMqEventQueue: unknown option 'eventPerJob'/,
    ],
    [
      'bullMqQueue',
      () => bullMqQueue({ conection: connection } as never),
      /^bullMqQueue: unknown option 'conection'/,
    ],
    [
      'DiskEventQueue',
      () => new DiskEventQueue({ directory: 'var', syncInteval: 5 } as never),
      /^DiskEventQueue: unknown option 'syncInteval'/,
    ],
    [
      'delivery of DiskEventQueue',
      () => new DiskEventQueue({ directory: 'var', delivery: { retry: false } } as never),
      /^DiskEventQueue: delivery: unknown option 'retry'/,
    ],
    [
      'ThreadProcessor',
      () => new ThreadProcessor(here, { maxThreads: 5 } as never),
      /^ThreadProcessor: unknown option 'maxThreads'; supported options: threads/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('An argument of the wrong type is rejected at declaration:', () => {
  const useFactory = () => ({});
  it.each<[string, () => unknown, RegExp]>([
    [
      'a string instead of the options of LoggerBackend',
      () => new LoggerBackend('Audit' as never),
      /^LoggerBackend: options must be an object such as \{ logger \}; received the string 'Audit'/,
    ],
    [
      'a number instead of the options of MemoryBackend',
      () => new MemoryBackend(500 as never),
      /^MemoryBackend: options must be an object such as \{ capacity \}; received the number 500/,
    ],
    [
      'an array instead of the options of RegexFilter',
      () => new RegexFilter(['a'] as never),
      /^RegexFilter: options must be an object such as \{ filterType \}; received an array of 1/,
    ],
    [
      'a class instead of the backend of DeliveringBackend',
      () => new DeliveringBackend(MemoryBackend as never),
      /^DeliveringBackend: destination must be a backend with a method send\(event\); received the class MemoryBackend\. Pass an instance/,
    ],
    [
      'trackers as an array',
      () => configure({ trackers: [] }),
      /^trackers must be an object of trackers by name; received an array of 0/,
    ],
    [
      'trackers as a Map',
      () => configure({ trackers: new Map() }),
      /^trackers must be an object of trackers by name; received an instance of Map/,
    ],
    [
      'isGlobal as a string',
      () => configure({ isGlobal: 'no' }),
      /^isGlobal must be true or false; received the string 'no'/,
    ],
    [
      'imports that are not an array',
      () => configure({ imports: NotABackend }),
      /^imports must be an array of modules; received the class NotABackend/,
    ],
    [
      'trackers of EventTrackingTestingModule that are not an array',
      () => EventTrackingTestingModule.forRoot({ trackers: {} } as never),
      /^EventTrackingTestingModule: trackers must be an array of names; received an object/,
    ],
    [
      'backends next to useFactory',
      () => configureAsync({ useFactory, backends: {} }),
      /^EventTrackingModule\.forRootAsync: backends must be returned by the factory/,
    ],
    [
      'expose as an array',
      () => configureAsync({ useFactory, expose: ['audit'] }),
      /^expose: options must be an object such as \{ trackers \}; received an array of 1/,
    ],
    [
      'exposed trackers as a string',
      () => configureAsync({ useFactory, expose: { trackers: 'audit' } }),
      /^expose\.trackers must be an array of names such as \['audit'\]; received the string 'audit'/,
    ],
    [
      'exposed backends as a string',
      () => configureAsync({ useFactory, expose: { backends: 'warehouse.mongo' } }),
      /^expose\.backends must be an array of paths such as \['warehouse\.mongo'\]; received the string 'warehouse\.mongo'/,
    ],
    [
      'an exposed backend without a path',
      () => configureAsync({ useFactory, expose: { backends: [{ name: 'a' }] } }),
      /^expose\.backends\[0\] must be a path such as 'warehouse\.mongo' or \{ tracker, path \}; received an object with the keys 'name'/,
    ],
    [
      'useFactory that is not a function',
      () => configureAsync({ useFactory: {} }),
      /^EventTrackingModule\.forRootAsync: useFactory must be a function; received an object/,
    ],
    [
      'inject of forRootAsync that is not an array',
      () => configureAsync({ useFactory, inject: NotABackend }),
      /^EventTrackingModule\.forRootAsync: inject must be an array of tokens; received the class NotABackend/,
    ],
    [
      'two sources of options',
      () => configureAsync({ useFactory, useClass: NotABackend }),
      /^EventTrackingModule\.forRootAsync must have exactly one of useFactory, useClass and useExisting; received useFactory and useClass\. Keep one/,
    ],
    [
      '@EmitEvent without a name',
      () => EmitEvent(undefined as never),
      /^@EmitEvent: event must be a name or the result of defineEvent; received undefined\..*circular import/,
    ],
    [
      'data of @EmitEvent that are a string',
      () => EmitEvent('a.b', { data: 'c' as never }),
      /^@EmitEvent\('a\.b'\): data must be an object or a function that returns one; received the string 'c'/,
    ],
    [
      '@EmitEvent on a class',
      () => Reflect.decorate([EmitEvent('a.b') as ClassDecorator], NotABackend),
      /^@EmitEvent\('a\.b'\) can only decorate instance methods; NotABackend is a class\./,
    ],
    [
      '@EmitEvent on a property',
      () => EmitEvent('a.b')(NotABackend.prototype, 'field', undefined as never),
      /^@EmitEvent\('a\.b'\) can only decorate instance methods; field of NotABackend is a property\./,
    ],
    [
      '@TrackContext with an object instead of a name',
      () => TrackContext({ a: 1 } as never),
      /^@TrackContext: context must be a name or the result of defineContext; received an object/,
    ],
    [
      'values of @TrackContext that are a string',
      () => TrackContext('a', 'b' as never),
      /^@TrackContext\('a'\): values must be an object or a function that returns one; received the string 'b'/,
    ],
    [
      'a URL instead of the options of mongoBackend',
      () => mongoBackend('mongodb://localhost' as never),
      /^mongoBackend: options must be an object such as \{ connectionName \}; received the string/,
    ],
    [
      'MongoBackend without options',
      () => new MongoBackend(undefined as never),
      /^MongoBackend: options must be an object such as \{ connection \}; received undefined/,
    ],
    [
      'a URL instead of the options of bullMqQueue',
      () => bullMqQueue('redis://localhost' as never),
      /^bullMqQueue: options must be an object such as \{ connection \}; received the string/,
    ],
    [
      'BullMqEventQueue without options',
      () => new BullMqEventQueue(undefined as never),
      /^BullMqEventQueue: options must be an object such as \{ connection \}; received undefined/,
    ],
    [
      'a string instead of the options of DiskEventQueue',
      () => new DiskEventQueue('var' as never),
      /^DiskEventQueue: options must be an object such as \{ directory \}; received the string 'var'/,
    ],
    [
      'segmentBackend without options',
      () => segmentBackend(undefined as never),
      /^segmentBackend: options must be an object such as \{ writeKey \}; received undefined/,
    ],
    [
      'a string instead of the options of SegmentBackend',
      () => new SegmentBackend('key' as never),
      /^SegmentBackend: options must be an object such as \{ writeKey \}; received a string of 3 characters/,
    ],
  ])('%s', async (mistake, action, message) => {
    expect(await failure(mistake, action)).toMatch(message);
  });
});

describe('The bootstrap error', () => {
  class Chatty {
    constructor(readonly tracker: Tracker) {}
  }
  Injectable()(Chatty);
  Reflect.defineMetadata('design:paramtypes', [Tracker], Chatty);

  it('names Tracker if EventTrackingModule is not imported', async () => {
    const message = await failure('EventTrackingModule is not imported', () =>
      boot({ providers: [Chatty] }),
    );
    expect(message).toMatch(/Nest can't resolve dependencies of the Chatty \(\?\)/);
    expect(message).toMatch(/Tracker at index \[0\]/);
  });

  it('names an injected tracker that is not configured', async () => {
    @Injectable()
    class Auditing {
      constructor(@InjectTracker('adit') readonly tracker: Tracker) {}
    }
    const message = await failure('@InjectTracker of an unknown name', () =>
      boot({ imports: [configure({ trackers: { audit: {} } })], providers: [Auditing] }),
    );
    expect(message).toMatch(/event-tracking:tracker:adit/);
  });

  it('explains a backend dependency that is imported as a type', async () => {
    const message = await failure('import type of a backend dependency', () =>
      boot({ imports: [configure({ backends: { mongo: TypeImported } })] }),
    );
    expect(message).toMatch(/^backends\.mongo could not be created\./);
    expect(message).toMatch(/TypeImported \(\?\)/);
    expect(message).toMatch(/import type/);
  });

  it('explains where Nest looks for the dependencies of a backend', async () => {
    const message = await failure('a backend whose dependency no module provides', () =>
      boot({ imports: [configure({ backends: { mongo: mongoBackend() } })] }),
    );
    expect(message).toMatch(
      /^backends\.mongo could not be created\. Dependencies are looked up in global modules and in imports, next to backends\. Add the module that exports the missing one to imports\. Error: Nest can't resolve.*"DatabaseConnection"/,
    );
  });

  it('names the path of a factory that rejects its options', async () => {
    const message = await failure('a backend whose factory rejects its options', () =>
      boot({ imports: [configure({ backends: { segment: segmentBackend({ writeKey: '' }) } })] }),
    );
    expect(message).toMatch(
      /^backends\.segment: SegmentBackend: writeKey must be the write key of a Segment source; received an empty string/,
    );
  });

  it('names the path of a factory that fails', async () => {
    const useFactory = () => Promise.reject(new Error('no route to host'));
    const message = await failure('a factory that rejects', () =>
      boot({
        imports: [configure({ backends: { warehouse: { backends: { mongo: { useFactory } } } } })],
      }),
    );
    expect(message).toBe(
      'backends.warehouse.backends.mongo could not be created. Error: no route to host',
    );
  });

  it('names the path of a factory that does not return a backend', async () => {
    const message = await failure('a factory that does not return a backend', () =>
      boot({ imports: [configure({ backends: { mongo: { useFactory: () => ({}) } } })] }),
    );
    expect(message).toMatch(
      /^backends\.mongo must be a backend with a method send\(event\); received an object with no keys/,
    );
  });

  it('names the path of a factory that does not return a processor', async () => {
    const processors = [{ useFactory: () => 5 }];
    const nested = () =>
      boot({ imports: [configure({ backends: { warehouse: { processors, backends: {} } } })] });
    expect(await failure('a factory that does not return a processor', nested)).toMatch(
      /^backends\.warehouse\.processors\[0\]: must be a processor .*; received the number 5/,
    );
    const audit = () => boot({ imports: [configure({ trackers: { audit: { processors } } })] });
    expect(await failure('a factory of another tracker', audit)).toMatch(
      /^trackers\.audit\.processors\[0\]: must be a processor .*; received the number 5/,
    );
  });

  it('names the received value if a factory returns an array instead of options', async () => {
    const listing = () =>
      boot({ imports: [EventTrackingModule.forRootAsync({ useFactory: () => [] as object })] });
    expect(await failure('options that are an array', listing)).toMatch(
      /^EventTrackingModule: options must be an object; received an array of 0/,
    );
  });

  it('counts the imports of a module that is imported twice', async () => {
    const message = await failure('imported twice', () =>
      boot({ imports: [configure({}), configure({ maxEventSize: 1 })] }),
    );
    expect(message).toMatch(
      /imported 2 times in one application\. Import forRoot\(\) or forRootAsync\(\) once, in the root module/,
    );
  });

  it('names an option that must be passed next to the factory', async () => {
    const message = await failure('isGlobal returned by a factory', () =>
      boot({ imports: [configureAsync({ useFactory: () => ({ isGlobal: false }) })] }),
    );
    expect(message).toMatch(
      /^EventTrackingModule\.forRootAsync: isGlobal must be passed next to useFactory, not returned by the factory/,
    );
  });

  it('names a class that cannot create options', async () => {
    const message = await failure('useClass without createEventTrackingOptions', () =>
      boot({ imports: [configureAsync({ useClass: NotABackend })] }),
    );
    expect(message).toMatch(
      /^EventTrackingModule\.forRootAsync: .*method createEventTrackingOptions\(\); received an instance of NotABackend/,
    );
  });

  it('names a worker module without event tracking', async () => {
    class Bare {}
    Module({})(Bare);
    const message = await failure('a worker of a module without event tracking', () =>
      createEventTrackingWorker(Bare, { logger: false }),
    );
    expect(message).toMatch(
      /^createEventTrackingWorker: Bare does not import EventTrackingModule\./,
    );
  });

  it('names exposed trackers and backends that are not configured', async () => {
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
      /^expose\.backends: the tracker 'default' has no backend 'mongo'\. Configured backends: log/,
    );
    expect(await failure('an exposed tracker', exposing({ trackers: ['audit'] }))).toMatch(
      /^expose\.trackers: the tracker 'audit' is not configured\. Configured trackers: default/,
    );
  });

  it('names a decorator that uses an unknown tracker', async () => {
    class Service {
      @EmitEvent('done', { tracker: 'adit' })
      work(): void {}
    }
    expect(
      await failure('a decorator’s tracker', () =>
        boot({ imports: [configure({})], providers: [Service] }),
      ),
    ).toMatch(/'done' on Service\.work uses the tracker 'adit'/);
  });
});

describe('Bootstrap rejects a circular dependency of a backend instead of hanging:', () => {
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
    const message = await failure(`a cycle ${how}`, () => boot({ imports: [tracking] }));
    expect(message).toMatch(
      /^backends\.warehouse\.backends\.mongo: circular dependency: backends\.warehouse\.backends\.mongo → Reports → backends\.warehouse\.backends\.mongo\. .*inject Tracker/,
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
    expect(await failure('a cycle through a node', () => boot({ imports: [tracking] }))).toMatch(
      /circular dependency: .*NodeUser/,
    );
  });
});

it('A backend can depend on a provider that injects another backend', async () => {
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

it('A worker without a queue logs a warning at bootstrap', async () => {
  const logger = new RecordingLogger();
  await boot(
    { imports: [configure({ worker: true, backends: { a: new MemoryBackend() } })] },
    logger,
  );
  expect(logger.complaints.join('\n')).toMatch(/worker.*no node of the tree has a queue/);
});

it('A worker logs at bootstrap from which queues it consumes events', async () => {
  const logger = new RecordingLogger();
  const log = vi.spyOn(logger, 'log');
  const node = { queue: new MemoryEventQueue(), backends: { a: new MemoryBackend() } };
  await boot({ imports: [configure({ worker: true, backends: { node } })] }, logger);
  expect(log).toHaveBeenCalledWith(
    'This process is a worker: it consumes events from backends.node.queue.',
    'EventTracking',
  );
});

it('Node names a peer dependency that is not installed', async () => {
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
  expect(show('a missing peer', /.*Cannot find package.*/.exec(output)?.[0] ?? '')).toMatch(
    /'nestjs-cls' imported from/,
  );
});
