import { cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  EmitEvent,
  EventTrackingModule,
  getTracker,
  InjectBackend,
  InjectTracker,
  MemoryBackend,
  RegexFilter,
  RoutingBackend,
  Tracker,
  type Backend,
  type EventTrackingModuleOptions,
} from 'nestjs-event-tracking';
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
      /^processors\[0\]: expected a processor.*received the number 7/,
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
      'further trackers in a Map',
      () => configure({ trackers: new Map([['audit', { backends: {} }]]) }),
      /^trackers: expected an object of trees by the tracker's name, received an instance of Map/,
    ],
    [
      'the path of a backend where a list of paths is exposed',
      () =>
        EventTrackingModule.forRootAsync({
          useFactory: () => ({}),
          expose: { backends: 'warehouse.mongo' as unknown as string[] },
        }),
      /expose\.backends is an array such as \['warehouse\.mongo'\], received the string 'warehouse\.mongo'/,
    ],
    [
      'the name of a tracker where a list of names is exposed',
      () =>
        EventTrackingModule.forRootAsync({
          useFactory: () => ({}),
          expose: { trackers: 'audit' as unknown as string[] },
        }),
      /expose\.trackers is an array such as \['audit'\], received the string 'audit'/,
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
      /^backends\.warehouse\.processors\[0\]: expected a processor .*, received the number 5/,
    );
    const audit = () => boot({ imports: [configure({ trackers: { audit: { processors } } })] });
    expect(await failure('a factory of a further tracker', audit)).toMatch(
      /^trackers\.audit\.processors\[0\]: expected a processor .*, received the number 5/,
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
