import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AsyncRoutingBackend,
  EventTrackingModule,
  getTrackerToken,
  MemoryBackend,
  MemoryEventQueue,
  NameAllowlist,
  RegexFilter,
  RetryableDeliveryError,
  Tracker,
  type Backend,
  type EventTrackingModuleOptions,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { describe, expect, it } from 'vitest';
import { ADAPTERS, listen } from './support/http-application.js';

async function bootstrap(options: EventTrackingModuleOptions) {
  @Module({ imports: [EventTrackingModule.forRoot(options)] })
  class AppModule {}

  const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
  await app.init();
  return app;
}

describe('Async routing in a Nest application', () => {
  it('supports the sample configuration of the reference documentation', async () => {
    const [caliper, trackingLogs] = [new RecordingBackend(), new RecordingBackend()];
    const app = await bootstrap({
      backends: {
        caliper: {
          queue: new MemoryEventQueue(),
          processors: [
            new RegexFilter({
              filterType: 'allowlist',
              regularExpressions: [
                'edx.course.enrollment.activated',
                'edx.course.enrollment.deactivated',
              ],
            }),
          ],
          backends: { caliper },
        },
        tracking_logs: trackingLogs,
      },
    });
    const tracker = app.get(Tracker);
    tracker.emit('edx.course.enrollment.activated');
    tracker.emit('edx.problem.show_answer');
    expect(caliper.events).toEqual([]);
    expect(trackingLogs.events).toHaveLength(2);
    await tracker.flush();

    expect(caliper.events.map(({ name }) => name)).toEqual(['edx.course.enrollment.activated']);
    expect(tracker.stats().backends).toMatchObject({
      caliper: { arrived: 2, filtered: 1, delivered: 1 },
      'caliper.queue': { arrived: 1, delivered: 1 },
      'caliper.caliper': { arrived: 1, delivered: 1 },
    });
    expect(tracker.getBackend('caliper')).toBeInstanceOf(AsyncRoutingBackend);
    expect(tracker.getBackend('caliper.caliper')).toBe(caliper);
    await app.close();
  });

  it('supports queues at any level of any tracker, including the root', async () => {
    const [deep, audit] = [new RecordingBackend(), new RecordingBackend()];
    const app = await bootstrap({
      backends: {
        outer: {
          backends: { inner: { queue: MemoryEventQueue, backends: { deep } } },
        },
      },
      trackers: {
        audit: {
          queue: { useFactory: () => new MemoryEventQueue({ capacity: 10 }) },
          processors: [new NameAllowlist(['access.denied'])],
          backends: { audit },
        },
      },
    });
    const [tracker, auditTracker] = [app.get(Tracker), app.get<Tracker>(getTrackerToken('audit'))];
    tracker.emit('sold');
    auditTracker.emit('sold');
    auditTracker.emit('access.denied');
    expect([deep.events, audit.events]).toEqual([[], []]);
    await Promise.all([tracker.flush(), auditTracker.flush()]);
    expect(deep.events.map(({ name }) => name)).toEqual(['sold']);
    expect(audit.events.map(({ name }) => name)).toEqual(['access.denied']);
    expect(auditTracker.stats().backends).toMatchObject({
      '': { arrived: 2, filtered: 1 },
      queue: { arrived: 1, delivered: 1 },
    });
    await app.close();
  });

  it('awaits injected processors behind the queue and retries injected destinations', async () => {
    @Injectable()
    class Users {
      async nameOf(id: unknown): Promise<string> {
        return `user ${String(id)}`;
      }
    }

    @Module({ providers: [Users], exports: [Users] })
    class UsersModule {}

    @Injectable()
    class NameUsers {
      constructor(private readonly users: Users) {}

      async process(event: TrackingEvent): Promise<void> {
        event.context['user_name'] = await this.users.nameOf(event.context['user_id']);
      }
    }

    @Injectable()
    class Flaky implements Backend {
      readonly delivered: TrackingEvent[] = [];
      #failures = 2;

      async send(event: TrackingEvent): Promise<void> {
        if (this.#failures-- > 0) throw new RetryableDeliveryError('busy');
        this.delivered.push(event);
      }
    }

    const app = await bootstrap({
      imports: [UsersModule],
      backends: {
        slow: {
          queue: new MemoryEventQueue(),
          backends: {
            named: {
              processors: [NameUsers],
              backends: { flaky: { useClass: Flaky, delivery: { retry: { minDelay: 1 } } } },
            },
          },
        },
      },
    });
    const tracker = app.get(Tracker);
    tracker.context({ user_id: 7 }, () => tracker.emit('sold'));
    await tracker.flush();
    const { delivered } = tracker.getBackend('slow.named.flaky') as Flaky;
    expect(delivered.map(({ context }) => context)).toEqual([{ user_id: 7, user_name: 'user 7' }]);
    expect(tracker.stats().backends['slow.named.flaky']).toMatchObject({ retried: 2 });
    await app.close();
  });

  it.each(ADAPTERS)(
    'keeps the contexts of 50 concurrent requests apart, on %s',
    async (adapter) => {
      const recording = new RecordingBackend();

      @Controller()
      class PagesController {
        constructor(private readonly tracker: Tracker) {}

        @Get(':page')
        async read(): Promise<string> {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
          this.tracker.emit('page.read');
          return 'read';
        }
      }

      @Module({
        imports: [
          EventTrackingModule.forRoot({
            backends: { node: { queue: new MemoryEventQueue(), backends: { recording } } },
          }),
        ],
        controllers: [PagesController],
      })
      class AppModule {}

      const { app, url } = await listen(adapter, AppModule);
      const pages = Array.from({ length: 50 }, (_, index) => `/page-${index}`);
      await Promise.all(pages.map(async (page) => (await fetch(`${url}${page}`)).text()));
      await app.close();
      expect(recording.events.map(({ context }) => context['path']).toSorted()).toEqual(
        pages.toSorted(),
      );
    },
  );

  it('delivers queued events on shutdown', async () => {
    const memory = new MemoryBackend();
    const app = await bootstrap({
      backends: { node: { queue: new MemoryEventQueue(), backends: { memory } } },
    });
    for (let index = 0; index < 100; index++) app.get(Tracker).emit('sold');
    await app.close();
    expect(memory.events).toHaveLength(100);
  });

  it.each([
    [{ queue: {} }, /backends\.node\.queue must be an instance with open\(\)/],
    [{ queue: 'redis' }, /backends\.node\.queue must be .*; received the string 'redis'/],
    [
      { backends: { a: { useValue: new MemoryBackend(), delivery: false } } },
      /backends\.node\.backends\.a\.delivery must not be false behind a queue/,
    ],
  ])('rejects the node %j with the path of the error', (node, message) => {
    const complete = { queue: new MemoryEventQueue(), backends: {}, ...node } as never;
    expect(() => EventTrackingModule.forRoot({ backends: { node: complete } })).toThrow(message);
  });
});
