import { Injectable, Module, Scope, type Provider } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  EmitEvent,
  EventTrackingModule,
  getTrackerToken,
  ImproperlyConfigured,
  TrackContext,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './support/deferred.js';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();
const logger = new RecordingLogger();
const open: TestingModule[] = [];

@Injectable()
class Reports {
  @TrackContext('reports', { area: 'reports' })
  @EmitEvent('report.made')
  make(): string {
    return 'made';
  }
}

function application(...providers: Provider[]) {
  return Test.createTestingModule({
    imports: [
      EventTrackingModule.forRoot({
        backends: { recorder },
        trackers: { audit: { backends: { recorder } } },
      }),
    ],
    providers,
  }).setLogger(logger);
}

async function init(builder: ReturnType<typeof application>): Promise<TestingModule> {
  const module = await builder.compile();
  open.push(module);
  return module.init();
}

beforeEach(() => {
  recorder.clear();
  logger.complaints.length = 0;
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((module) => module.close()));
});

const made = () => recorder.named('report.made').map(({ context }) => context);

describe('Decorators emit on objects of', () => {
  it.each<[string, Provider]>([
    ['a class', Reports],
    ['a factory', { provide: 'REPORTS', useFactory: () => new Reports() }],
    ['an asynchronous factory', { provide: 'REPORTS', useFactory: async () => new Reports() }],
    ['a value', { provide: 'REPORTS', useValue: new Reports() }],
  ])('a module that is loaded lazily: %s', async (_kind, provider) => {
    @Module({ providers: [provider] })
    class Lazy {}
    const module = await init(application());
    const lazy = await module.get(LazyModuleLoader).load(() => Lazy);
    const reports = lazy.get<Reports>(provider === Reports ? Reports : 'REPORTS');
    expect(reports.make()).toBe('made');
    expect(made()).toEqual([{ area: 'reports' }]);
  });

  it('a second module that is loaded lazily', async () => {
    const provider = { provide: 'REPORTS', useFactory: () => new Reports() };
    @Module({ providers: [provider] })
    class First {}
    @Module({ providers: [provider] })
    class Second {}
    const module = await init(application());
    const loader = module.get(LazyModuleLoader);
    for (const type of [First, Second]) {
      (await loader.load(() => type)).get<Reports>('REPORTS').make();
    }
    expect(made()).toHaveLength(2);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('a factory in scope %s', async (scope) => {
    const useFactory = vi.fn(async () => new Reports());
    const module = await init(application({ provide: 'REPORTS', scope, useFactory }));
    for (const times of [1, 2]) {
      (
        await module.get(ModuleRef).resolve<Reports>('REPORTS', undefined, { strict: false })
      ).make();
      expect(made()).toHaveLength(times);
    }
    expect(useFactory.mock.calls.length).toBeGreaterThanOrEqual(2);
  });

  it('a transient factory that another provider injects', async () => {
    const module = await init(
      application(
        { provide: 'REPORTS', scope: Scope.TRANSIENT, useFactory: () => new Reports() },
        { provide: 'HOLDER', useFactory: (reports: Reports) => ({ reports }), inject: ['REPORTS'] },
      ),
    );
    module.get<{ reports: Reports }>('HOLDER').reports.make();
    expect(made()).toHaveLength(1);
  });

  it('a class that code creates with ModuleRef', async () => {
    const module = await init(application());
    (await module.get(ModuleRef).create(Reports)).make();
    expect(made()).toHaveLength(1);
  });
});

it('Loading a lazy module fails if a decorator names an unknown tracker', async () => {
  class Misspelt {
    @EmitEvent('done', { tracker: 'adit' })
    work(): void {}
  }
  @Module({ providers: [{ provide: 'MISSPELT', useFactory: () => new Misspelt() }] })
  class Lazy {}
  const module = await init(application());
  await expect(module.get(LazyModuleLoader).load(() => Lazy)).rejects.toThrow(ImproperlyConfigured);
});

describe('Decorators emit through the tracker that Nest injects:', () => {
  class Audited {
    @EmitEvent('default')
    @EmitEvent('audited', { tracker: 'audit' })
    work(): string {
      return 'worked';
    }
  }

  it('a double of the default tracker', async () => {
    const double = { emit: vi.fn() };
    const module = await init(
      application(Audited).overrideProvider(Tracker).useValue(double) as never,
    );
    module.get(Audited).work();
    expect(double.emit.mock.calls).toEqual([['default', {}]]);
    expect(recorder.events.map(({ name }) => name)).toEqual(['audited']);
  });

  it('another tracker in place of a named one', async () => {
    const other = new Recorder();
    const module = await init(
      application(Audited)
        .overrideProvider(getTrackerToken('audit'))
        .useFactory({ factory: () => new Tracker({ backends: { other } }) }) as never,
    );
    module.get(Audited).work();
    expect(other.events.map(({ name }) => name)).toEqual(['audited']);
    expect(recorder.events.map(({ name }) => name)).toEqual(['default']);
  });

  it('a double that throws is reported and does not affect the caller', async () => {
    const double = {
      emit: () => {
        throw new Error('not mocked');
      },
    };
    const module = await init(
      application(Audited).overrideProvider(Tracker).useValue(double) as never,
    );
    expect(module.get(Audited).work()).toBe('worked');
    expect(logger.complaints).toEqual([
      expect.stringMatching(
        /^The event 'default' of Audited\.work could not be created: .*not mocked/,
      ),
    ]);
  });
});

describe('Two copies of the package meet:', () => {
  it('decorators of one copy work in an application of the other', async () => {
    vi.resetModules();
    const other = await import('nestjs-event-tracking');
    expect(other.EmitEvent).not.toBe(EmitEvent);
    @Injectable()
    class Theirs {
      @other.TrackContext('theirs', { theirs: true })
      @other.EmitEvent('done')
      work(): string {
        return 'worked';
      }
    }
    @Injectable()
    class Both extends Theirs {
      @TrackContext('ours', { ours: true })
      @EmitEvent('both')
      own(): string {
        return this.work();
      }
    }
    const module = await init(
      application(Theirs, Both, { provide: 'MADE', useFactory: () => new Theirs() }),
    );
    for (const token of [Theirs, 'MADE']) {
      expect(module.get<Theirs>(token).work()).toBe('worked');
      expect(recorder.events.at(-1)).toMatchObject({ name: 'done', context: { theirs: true } });
    }
    expect(module.get(Both).own()).toBe('worked');
    expect(recorder.events.slice(-2)).toMatchObject([
      { name: 'done', context: { ours: true, theirs: true } },
      { name: 'both', context: { ours: true } },
    ]);
    expect(logger.complaints).toEqual([]);
  });
});

it('A value is taken over by an application that starts while its first one is closing', async () => {
  const { promise: released, resolve: release } = deferred<void>();
  const value = { provide: Reports, useValue: new Reports() };
  const first = await init(
    application(value, { provide: 'SLOW', useValue: { onModuleDestroy: () => released } }),
  );
  const closing = first.close();
  await Promise.resolve();
  const second = await init(application(value));
  release();
  await closing;
  second.get(Reports).make();
  expect(made()).toEqual([{ area: 'reports' }]);
});

it('A factory declares the type of the instance on which the method is called', async () => {
  @Injectable()
  class Mailer {
    readonly sender = 'courses@example.org';

    @TrackContext<[to: string], Mailer>('mail', ({ instance }) => ({ from: instance.sender }))
    @EmitEvent('mail.sent', {
      data: ({ args: [to], instance }: MethodCall<[to: string], void, Mailer>) => ({
        to,
        sender: instance.sender,
      }),
    })
    send(_to: string): void {}
  }
  (await init(application(Mailer))).get(Mailer).send('ada');
  expect(recorder.only('mail.sent')).toMatchObject({
    data: { to: 'ada', sender: 'courses@example.org' },
    context: { from: 'courses@example.org' },
  });
});
