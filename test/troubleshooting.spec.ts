import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ClsPluginTransactional,
  NoOpTransactionalAdapter,
  TransactionHost,
} from '@nestjs-cls/transactional';
import type { Analytics } from '@segment/analytics-node';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { ClsModule } from 'nestjs-cls';
import {
  AsyncRoutingBackend,
  defineEvent,
  emit,
  EmitEvent,
  EventTrackingModule,
  ImproperlyConfigured,
  InjectTracker,
  LoggerBackend,
  Tracker,
  type Backend,
  type EventTrackingModuleOptions,
} from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { HttpBackend, type HttpBackendOptions } from 'nestjs-event-tracking/http';
import { MongoBackend, type MongoBackendOptions } from 'nestjs-event-tracking/mongo';
import { SegmentBackend } from 'nestjs-event-tracking/segment';
import { ThreadProcessor } from 'nestjs-event-tracking/threads';
import { inTransaction, transactionalEvents } from 'nestjs-event-tracking/transactional';
import { Piscina } from 'piscina';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { RecordingLogger } from './support/recording-logger.js';
import { ROOT } from './support/root.js';
import { startHttpServer, status } from './services/http-server.js';
import { runNode } from './support/run-node.js';

const page = readFileSync(join(ROOT, 'docs/guide/troubleshooting.md'), 'utf8');
const messages = [...page.matchAll(/^### `([^`]+)`$/gm)].map(([, message]) => message!);

const EXITING_SCRIPT = `
  import { Tracker } from 'nestjs-event-tracking';
  // Reachable until the end: a tracker that was garbage-collected reports nothing.
  globalThis.tracker = new Tracker({ backends: { warehouse: { send: () => new Promise(() => {}) } } });
  globalThis.tracker.emit('order.paid');
`;

/** Makes each mistake; resolves to the resulting message. */
const MISTAKES: (() => Promise<string>)[] = [
  function noModule() {
    return bootstrapError({ providers: [CoursesService] });
  },
  function typeImport() {
    class CoursesService {
      constructor(readonly tracker: object) {}
    }
    // The compiler emits this metadata for a class that is imported as a type.
    Reflect.defineMetadata('design:paramtypes', [Object], CoursesService);
    return bootstrapError({ providers: [CoursesService] });
  },
  function unknownTrackerInjected() {
    @Injectable()
    class AuditTrail {
      constructor(@InjectTracker('audit') readonly tracker: Tracker) {}
    }
    return bootstrapError({ imports: [EventTrackingModule.forRoot()], providers: [AuditTrail] });
  },
  function unknownDependency() {
    return bootstrapError({
      imports: [EventTrackingModule.forRootAsync({ inject: ['SETTINGS'], useFactory: () => ({}) })],
    });
  },
  async function noMetadata() {
    class CoursesService {
      constructor(private readonly tracker: Tracker) {}

      enrol(): void {
        this.tracker.emit('course.enrolled');
      }
    }
    const module = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    }).compile();
    const message = await errorOf(() => module.get(CoursesService).enrol());
    await module.close();
    return message;
  },
  function madeByHand() {
    class CoursesService {
      @EmitEvent('course.viewed')
      view(): void {}
    }
    return logOf({}, () => new CoursesService().view());
  },
  async function frozenQuery() {
    class CoursesService {
      @EmitEvent('courses.searched')
      search(): object {
        return Object.freeze({ then() {} });
      }
    }
    const logger = new RecordingLogger();
    const module = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    })
      .setLogger(logger)
      .compile();
    await module.init();
    module.get(CoursesService).search();
    await module.close();
    return logger.complaints.join('\n');
  },
  function importedTwice() {
    return bootstrapError({
      imports: [EventTrackingModule.forRoot(), EventTrackingModule.forRoot({ enabled: true })],
    });
  },
  async function registeredTwice() {
    const tracking = () => ({ imports: [EventTrackingModule.forRoot({ registerGlobally: true })] });
    const first = await Test.createTestingModule(tracking()).compile();
    await first.init();
    const message = await bootstrapError(tracking());
    await first.close();
    return message;
  },
  function undefinedBackend() {
    const warehouse = undefined as unknown as Backend;
    return configurationError({ backends: { analytics: { backends: { warehouse } } } });
  },
  function misspeltOption() {
    return configurationError({ backend: {} } as EventTrackingModuleOptions);
  },
  function misspeltNodeOption() {
    const node = { backends: {}, filters: [] };
    return configurationError({ backends: { analytics: node } });
  },
  function unknownTracker() {
    @Injectable()
    class CoursesService {
      @EmitEvent('course.closed', { tracker: 'audit' })
      close(): void {}
    }
    return bootstrapError({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    });
  },
  function exposedButMissing() {
    return bootstrapError({
      imports: [
        EventTrackingModule.forRootAsync({
          useFactory: () => ({}),
          expose: { backends: ['warehouse'] },
        }),
      ],
    });
  },
  function processContextExitedInRequest() {
    const tracker = new Tracker();
    tracker.enterContext('deployment', { release: 'v1' });
    return tracker.contextLocator.run('request', () =>
      errorOf(() => tracker.exitContext('deployment')),
    );
  },
  function contextOutsideAnyScope() {
    return logOf({}, async (tracker) => {
      await new Promise((resolve) => setImmediate(resolve));
      tracker.enterContext('user', {});
    });
  },
  function unserialisableData() {
    return logOf({}, (tracker) => tracker.emit('order.paid', { callback: () => {} }));
  },
  function unexpressedSchema() {
    const schema = z.object({ mark: z.symbol() });
    const OrderPaid = defineEvent('order.paid', { description: 'A payment arrived.', schema });
    return logOf({ eventTypes: [OrderPaid] }, () => {});
  },
  function schemaWithoutJsonSchema() {
    const schema = z3.object({ total: z3.number() });
    const OrderPaid = defineEvent('order.paid', { description: 'A payment arrived.', schema });
    return logOf({ eventTypes: [OrderPaid] }, () => {});
  },
  function unusableLogger() {
    return errorOf(() => new Tracker({ logger: {} as never, backends: {} }));
  },
  function loggerWithoutLevel() {
    return errorOf(() => new LoggerBackend({ logger: { log: () => {} }, level: 'fatal' }));
  },
  function failingBackend() {
    const warehouse = { send: () => Promise.reject(new Error('connection refused')) };
    return logOf({ backends: { warehouse } }, (tracker) => tracker.emit('order.paid'));
  },
  function notDurable() {
    const warehouse = { send: () => Promise.reject(new Error('connection refused')) };
    const tracker = new Tracker({ backends: { warehouse }, logger: new RecordingLogger() });
    tracker.emit('order.paid');
    return errorOf(() => tracker.persisted());
  },
  async function exited() {
    const { output } = await runNode(['--input-type=module', '-e', EXITING_SCRIPT], { cwd: ROOT });
    return output.trimEnd();
  },
  function emitWithoutTracker() {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    emit('order.paid');
    const [message] = warn.mock.calls[0] ?? [];
    warn.mockRestore();
    return Promise.resolve(String(message));
  },
  function unwrappedAdapter() {
    return logOfTransactions({ transaction: 'commit' }, [
      new ClsPluginTransactional({ adapter: new NoOpTransactionalAdapter({ tx: {} }) }),
    ]);
  },
  function twoNamesForOneConnection() {
    const tx = {};
    const plugins = ['one', 'two'].map(
      (connectionName) =>
        new ClsPluginTransactional({
          connectionName,
          adapter: transactionalEvents(new NoOpTransactionalAdapter({ tx, disableWarning: true })),
        }),
    );
    return logOfTransactions({}, plugins, async () => {
      for (const name of ['one', 'two'])
        await TransactionHost.getInstance(name).withTransaction(async () => {});
    });
  },
  function wrappedPlugin() {
    const plugin = new ClsPluginTransactional({
      adapter: new NoOpTransactionalAdapter({ tx: {} }),
    });
    return errorOf(() => transactionalEvents(plugin as never));
  },
  async function longTransaction() {
    const logger = new RecordingLogger();
    const tracker = new Tracker({ logger });
    await inTransaction(tracker, () => {
      for (let count = 0; count <= 10_000; count++) tracker.emit('order.imported');
    });
    return logger.complaints.join('\n');
  },
  ...[
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    'CLUSTERDOWN Hash slot not served',
    'MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no.',
    'NOREPLICAS Not enough good replicas to write.',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM User default has no permissions to run the 'evalsha' command",
    'MISCONF Redis is configured to save RDB snapshots, but is unable to persist to disk.',
    'MOVED 3999 127.0.0.1:6381',
  ].map((answer) => () => refusalOfRedis(answer)),
  function evictedJob() {
    return jobError((queue) => queue.add('events', {}, { jobId: `${randomUUID()}.5` }));
  },
  function newerJob() {
    return jobError((queue) => queue.add('events', { format: 9, tracker: 'x', path: 'y' }));
  },
  function secondCopy() {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    createRequire(import.meta.url)('../libs/event-tracking/dist/cjs/core/index.js');
    const [message] = warn.mock.calls[0] ?? [];
    warn.mockRestore();
    return Promise.resolve(String(message));
  },
  function oldMongoose() {
    const connection = { asPromise: () => {}, base: { version: '7.8.13' } };
    return errorOf(() => new MongoBackend({ connection } as unknown as MongoBackendOptions));
  },
  function oldSegment() {
    const client = { VERSION: '1.3.0', on: () => {} } as unknown as Analytics;
    return errorOf(() => new SegmentBackend({ client }));
  },
  function httpFailure() {
    return httpError({ url: 'http://127.0.0.1:9/events' });
  },
  async function httpAnswer() {
    const server = await startHttpServer();
    server.answer(status(403));
    const message = await httpError({ url: server.url });
    await server.stop();
    return message;
  },
  function blockedAddress() {
    return httpError({ url: 'http://127.0.0.1:9/events', addresses: 'public' });
  },
  async function oldUndici() {
    const { cacheStores: _, ...older } = await vi.importActual<object & { cacheStores: unknown }>(
      'undici',
    );
    vi.doMock('undici', () => older);
    vi.resetModules();
    const { HttpBackend: Subject } = await import('nestjs-event-tracking/http');
    vi.doUnmock('undici');
    return errorOf(() => new Subject({ url: 'http://127.0.0.1:9' }));
  },
  async function oldPiscina() {
    const version = vi.spyOn(Piscina, 'version', 'get').mockReturnValue('3.2.0');
    const message = await errorOf(() => new ThreadProcessor(import.meta.url));
    version.mockRestore();
    return message;
  },
];

describe('The troubleshooting page', () => {
  let received: string[];

  beforeAll(async () => {
    received = [];
    for (const make of MISTAKES) received.push(await make());
  }, 120_000);

  it('quotes messages as the library writes them', () => {
    expect(messages.length).toBeGreaterThanOrEqual(MISTAKES.length);
    for (const message of messages) {
      expect(received, message).toContainEqual(expect.stringMatching(patternOf(message)));
    }
  });

  it('has one heading for each of these mistakes', () => {
    for (const [index, text] of received.entries()) {
      const headings = messages.filter((message) => patternOf(message).test(text));
      expect(headings, `${MISTAKES[index]!.name}: ${text}`).toHaveLength(1);
    }
  });
});

@Injectable()
class CoursesService {
  constructor(readonly tracker: Tracker) {}
}

/** Returns the message of the failure to send an event. */
async function httpError(options: HttpBackendOptions): Promise<string> {
  const backend = new HttpBackend(options);
  const event = { id: '1', name: 'sold', timestamp: new Date(), context: {}, data: {} };
  const message = await errorOf(() => backend.send(event));
  await backend.close();
  return message.replace(/^POST http:\/\/127\.0\.0\.1:\d+/, 'POST https://collector.example.org');
}

/** Returns the message that is logged while events go through a queue of the application in Redis. */
async function logOfRedis(
  pattern: RegExp,
  worker: boolean,
  prepare: (queue: Queue) => unknown,
): Promise<string> {
  const client = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  client.on('error', () => {});
  const queue = new Queue(`mistakes-${randomUUID()}`, { connection: client });
  queue.on('error', () => {});
  await prepare(queue);
  const logger = new RecordingLogger();
  const node = new AsyncRoutingBackend({
    queue: new BullMqEventQueue({ queue, logger }),
    backends: { out: { send() {} } },
    worker,
  });
  const tracker = new Tracker({ backends: { node }, logger });
  tracker.emit('sold');
  const message = (): string | undefined => logger.complaints.find((each) => pattern.test(each));
  await vi.waitUntil(() => message() !== undefined, { timeout: 10_000 });
  await tracker.close({ signal: AbortSignal.timeout(100) });
  await queue.obliterate({ force: true });
  client.disconnect();
  return message()!;
}

/** Returns the message about a job that Redis refused with an answer. */
function refusalOfRedis(answer: string): Promise<string> {
  return logOfRedis(/^Unable to deliver .*Redis|^Unable to deliver .*cluster/i, false, (queue) => {
    queue.addBulk = () => Promise.reject(new Error(answer));
  });
}

function jobError(add: (queue: Queue) => unknown): Promise<string> {
  return logOfRedis(/\bjob\b/, true, add);
}

/** A quoted message; `…` stands for anything. */
function patternOf(message: string): RegExp {
  const literal = message.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}

async function bootstrapError(metadata: ModuleMetadata): Promise<string> {
  @Module(metadata)
  class AppModule {}
  const bootstrap = async () => {
    const module = Test.createTestingModule({ imports: [AppModule] });
    await (await module.setLogger(new RecordingLogger()).compile()).init();
  };
  return errorOf(bootstrap);
}

/** Returns the only message that an application with these plugins logs. */
async function logOfTransactions(
  options: EventTrackingModuleOptions,
  plugins: ClsPluginTransactional[],
  run = async () => {},
): Promise<string> {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({
    imports: [EventTrackingModule.forRoot(options), ClsModule.forRoot({ plugins })],
  })
    .setLogger(logger)
    .compile();
  await module.init();
  await run();
  await module.close();
  return logger.complaints.join('\n');
}

function configurationError(options: EventTrackingModuleOptions): Promise<string> {
  return errorOf(() => {
    expect(() => EventTrackingModule.forRoot(options)).toThrow(ImproperlyConfigured);
    EventTrackingModule.forRoot(options);
  });
}

async function errorOf(mistake: () => unknown): Promise<string> {
  try {
    await mistake();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('The mistake was not noticed.');
}

/** Returns the only message that a running application logs during an action. */
async function logOf(
  options: EventTrackingModuleOptions,
  mistake: (tracker: Tracker) => unknown,
): Promise<string> {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({ imports: [EventTrackingModule.forRoot(options)] })
    .setLogger(logger)
    .compile();
  await module.init();
  await mistake(module.get(Tracker));
  await module.close();
  expect(logger.complaints).toHaveLength(1);
  return logger.complaints[0]!;
}
