import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  Controller,
  Get,
  Global,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type Type,
} from '@nestjs/common';
import {
  EventTrackingModule,
  TrackContext,
  Tracker,
  type Backend,
  type EventTrackingModuleOptions,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './support/deferred.js';
import { ADAPTERS, listen, Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

/** A connection that its own module closes in onApplicationShutdown, as Mongoose does. */
@Injectable()
class Connection implements OnApplicationShutdown {
  readonly stored: string[] = [];
  isOpen = true;

  async store(name: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.isOpen) throw new Error('the connection is closed');
    this.stored.push(name);
  }

  onApplicationShutdown(): void {
    this.isOpen = false;
  }
}

@Global()
@Module({ providers: [Connection], exports: [Connection] })
class ConnectionModule {}

@Injectable()
class StoringBackend implements Backend {
  constructor(private readonly connection: Connection) {}

  send({ name }: TrackingEvent): Promise<void> {
    return this.connection.store(name);
  }
}

/** A provider that emits in each shutdown hook. */
@Injectable()
class Emitting {
  constructor(protected readonly tracker: Tracker) {}

  onModuleDestroy(): void {
    this.tracker.emit(`${this.constructor.name}: onModuleDestroy`);
  }

  beforeApplicationShutdown(): void {
    this.tracker.emit(`${this.constructor.name}: beforeApplicationShutdown`);
  }

  async onApplicationShutdown(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.tracker.emit(`${this.constructor.name}: onApplicationShutdown`);
  }
}

@Injectable()
class Deep extends Emitting {}
@Injectable()
class Middle extends Emitting {}
@Injectable()
class Shallow extends Emitting {}

@Module({ providers: [Deep] })
class DeepModule {}

@Module({ imports: [DeepModule], providers: [Middle] })
class MiddleModule {}

const busy = { started: deferred(), proceed: deferred() };

@Controller()
class BusyController {
  constructor(private readonly tracker: Tracker) {}

  @Get()
  async busy(): Promise<string> {
    busy.started.resolve();
    await busy.proceed.promise;
    this.tracker.emit('request under way');
    return 'done';
  }
}

function appOf(imports: (DynamicModule | Type)[]): Type {
  @Module({ imports, controllers: [BusyController], providers: [Shallow] })
  class AppModule {}
  return AppModule;
}

beforeEach(() => Object.assign(busy, { started: deferred(), proceed: deferred() }));

describe.each(ADAPTERS)('Closing an application on %s', (adapter) => {
  const tracking = () => EventTrackingModule.forRoot({ backends: { store: StoringBackend } });

  it.each([
    ['before', () => [tracking(), MiddleModule, ConnectionModule]],
    ['after', () => [ConnectionModule, MiddleModule, tracking()]],
  ])(
    'delivers events of pending requests and hooks if tracking is imported %s other modules',
    async (_order, imports) => {
      const served = await listen(adapter, appOf(imports()), () => {}, false);
      const connection = served.app.get(Connection);
      const answer = fetch(served.url, { headers: { connection: 'close' } });
      await busy.started.promise;
      const closing = served.app.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      busy.proceed.resolve();
      await Promise.all([closing, answer]);
      const hooks = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'];
      const expected = ['Deep', 'Middle', 'Shallow'].flatMap((name) =>
        hooks.map((hook) => `${name}: ${hook}`),
      );
      expect([...connection.stored].sort()).toEqual([...expected, 'request under way'].sort());
      expect(connection.isOpen).toBe(false);
      expect(served.app.get(Tracker).stats().backends['store']).toMatchObject({
        arrived: 10,
        delivered: 10,
        pending: 0,
      });
    },
  );
});

it(
  'Shutdown delivers an event emitted one second after SIGTERM before the connection closes',
  { timeout: 30_000 },
  async () => {
    const script = fileURLToPath(new URL('./support/slow-request.mjs', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const printed = (text: string) =>
      expect.poll(() => output, { timeout: 10_000 }).toContain(text);
    await printed('listening on ');
    const answer = fetch(/listening on (\S+)/.exec(output)![1]!);
    await printed('request started');
    child.kill('SIGTERM');
    expect(await (await answer).text()).toBe('done');
    await once(child, 'close');
    expect(output.split('\n').slice(2, -1)).toEqual([
      'stored: emitted one second after SIGTERM',
      'connection closed',
    ]);
  },
);

describe('Shutdown', () => {
  const logger = new RecordingLogger();

  beforeEach(() => {
    logger.complaints.length = 0;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function boot(options: EventTrackingModuleOptions) {
    const { Test } = await import('@nestjs/testing');
    const module = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot(options)],
    })
      .setLogger(logger)
      .compile();
    return module.init();
  }

  it('gives up after shutdownTimeout and logs the undelivered events of each backend', async () => {
    const backend: Backend = { send: () => new Promise(() => {}) };
    const app = await boot({
      backends: { warehouse: { backends: { stuck: backend } } },
      shutdownTimeout: 5_000,
    });
    const tracker = app.get(Tracker);
    for (let count = 0; count < 3; count++) tracker.emit('never.delivered');
    const closing = app.close();
    await vi.advanceTimersByTimeAsync(5_000);
    await closing;
    expect(logger.complaints).toEqual([
      expect.stringMatching(
        /^3 events were not delivered to the backend 'warehouse\.stuck' of the tracker 'default' within shutdownTimeout\./,
      ),
    ]);
    expect(tracker.stats().backends['warehouse.stuck']).toMatchObject({
      arrived: 3,
      delivered: 0,
      pending: 3,
    });
  });

  it('waits at most shutdownTimeout for a backend to close', async () => {
    const made: Backend = { send() {}, close: () => new Promise(() => {}) };
    const app = await boot({
      backends: { made: { useFactory: () => made } },
      shutdownTimeout: 1_000,
    });
    const closing = app.close();
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(closing).resolves.toBeUndefined();
  });

  it('triggers no leak warning when many backends close', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const made = (): Backend => ({ send() {}, close: async () => {} });
    const names = Array.from({ length: 12 }, (_, index) => `made_${index}`);
    const backends = Object.fromEntries(names.map((name) => [name, { useFactory: made }]));
    const app = await boot({ backends });
    await app.close();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('closes backends that the module has created and only flushes others', async () => {
    const make = () => ({
      send: vi.fn(),
      flush: vi.fn(async () => {}),
      close: vi.fn(async () => {}),
    });
    const [passed, made, existing] = [make(), make(), make()];
    const app = await boot({
      imports: [providing('existing', existing)],
      backends: {
        passed,
        value: { useValue: passed },
        nested: { backends: { made: { useFactory: () => made } } },
        existing: { useExisting: 'existing' },
      },
    });
    await app.close();
    expect(made.close).toHaveBeenCalledOnce();
    expect(made.flush).toHaveBeenCalled();
    expect(passed.flush).toHaveBeenCalled();
    expect(passed.close).not.toHaveBeenCalled();
    expect(existing.flush).toHaveBeenCalled();
    expect(existing.close).not.toHaveBeenCalled();
  });

  it('closes a backend once if the application is closed twice', async () => {
    const made = { send: vi.fn(), close: vi.fn(async () => {}) };
    const app = await boot({ backends: { made: { useFactory: () => made } } });
    await app.close();
    await app.close();
    expect(made.close).toHaveBeenCalledOnce();
  });

  it('logs the number of suppressed decorator errors', async () => {
    class Service {
      @TrackContext('broken', () => {
        throw new Error('no context today');
      })
      work(): void {}
    }
    const app = await boot({ imports: [providing(Service.name, new Service())] });
    const service = app.get<Service>(Service.name, { strict: false });
    for (let count = 0; count < 25; count++) service.work();
    expect(logger.complaints).toHaveLength(10);
    await app.close();
    expect(logger.complaints.slice(10)).toEqual([
      expect.stringContaining('15 more similar messages were suppressed'),
    ]);
  });

  it('counts later events as dropped with the reason closed', async () => {
    const recorder = new Recorder();
    const app = await boot({ backends: { recorder } });
    const tracker = app.get(Tracker);
    tracker.emit('in time');
    await app.close();
    tracker.emit('too late');
    expect(recorder.events.map(({ name }) => name)).toEqual(['in time']);
    expect(tracker.stats()).toMatchObject({
      arrived: 2,
      delivered: 1,
      dropped: { closed: 1 },
      pending: 0,
    });
    expect(logger.complaints).toEqual([
      expect.stringContaining("The event 'too late' was dropped: the tracker is closed"),
    ]);
  });

  it('logs the errors of a backend whose flush and close fail', async () => {
    const broken: Backend = {
      send() {},
      flush: () => Promise.reject(new Error('no flush')),
      close: () => Promise.reject(new Error('no close')),
    };
    const app = await boot({ backends: { broken: { useFactory: () => broken } } });
    await app.close();
    expect(logger.complaints.join('\n')).toMatch(
      /Unable to flush the backend 'broken': Error: no flush/,
    );
    expect(logger.complaints.join('\n')).toMatch(/could not be closed: Error: no close/);
  });
});

function providing(token: string, value: object): DynamicModule {
  class Providing {}
  return { module: Providing, providers: [{ provide: token, useValue: value }], exports: [token] };
}
