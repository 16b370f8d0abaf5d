import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  Query,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { defer, interval, lastValueFrom, map, Observable, take, tap } from 'rxjs';
import {
  EventTrackingModule,
  TrackContext,
  Tracker,
  UnknownContextError,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectedContexts, runProgram, writeProgram } from './support/context-program.js';
import { deferred, type Deferred } from './support/deferred.js';
import { ADAPTERS, listen, Recorder, type HttpApplication } from './support/http-application.js';

const recorder = new Recorder({ capacity: 100_000 });

@Injectable()
class Lessons {
  constructor(private readonly tracker: Tracker) {}

  @TrackContext('lesson', ({ args: [id] }) => ({ lesson_id: id }))
  watch(id: string): Observable<number> {
    return defer(() => {
      this.tracker.emit('lesson.started', { id });
      return interval(1).pipe(
        take(2),
        tap((second) => this.tracker.emit('lesson.watched', { id, second })),
      );
    });
  }
}

@Controller()
class AnyController {
  static left: Deferred<void>;

  constructor(
    private readonly tracker: Tracker,
    private readonly lessons: Lessons,
  ) {}

  @Get('program/:seed')
  async program(@Param('seed') seed: string): Promise<string> {
    await runProgram(this.tracker, writeProgram(Number(seed)), 'step');
    return seed;
  }

  @Get('late/:id')
  async late(@Param('id') id: string): Promise<string> {
    const watching = this.lessons.watch(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await this.tracker.context('elsewhere', { elsewhere: id }, () => lastValueFrom(watching));
    return id;
  }

  @Get('twice/:id')
  async twice(@Param('id') id: string): Promise<string> {
    const watching = this.lessons.watch(id);
    await Promise.all(
      ['first', 'second'].map((subscriber) =>
        this.tracker.context('subscriber', { subscriber }, () => lastValueFrom(watching)),
      ),
    );
    return id;
  }

  @Sse('streamed/:id')
  streamed(@Param('id') id: string): Observable<MessageEvent> {
    return this.lessons.watch(id).pipe(map((second) => ({ data: { second } })));
  }

  @Get('slow/:id')
  async slow(@Param('id') id: string): Promise<string> {
    this.tracker.emit('slow.started', { id });
    await AnyController.left.promise;
    this.tracker.emit('slow.ended', { id });
    return id;
  }

  @Get('job/:id')
  job(@Param('id') id: string): string {
    void this.tracker.context('job', { job: id }, async () => {
      await AnyController.left.promise;
      this.tracker.emit('job.done', { id });
    });
    return id;
  }

  @Get('entered')
  entered(@Query('value') value: string): string {
    this.tracker.enterContext('entered', { entered: value });
    return value;
  }

  @Get('exit')
  exit(): string {
    try {
      this.tracker.exitContext('release');
      return 'exited';
    } catch (error) {
      return error instanceof UnknownContextError ? error.message : 'something else';
    }
  }
}

@Module({
  imports: [
    EventTrackingModule.forRoot({
      backends: { recorder },
      context: {
        request: ({ headers }: { headers: Record<string, string> }) => ({
          request_id: headers['x-request-id'],
        }),
      },
    }),
  ],
  controllers: [AnyController],
  providers: [Lessons],
})
class AppModule {}

describe.each(ADAPTERS)('Context over HTTP on %s', (adapter) => {
  let served: HttpApplication;

  const get = async (path: string, id: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(served.url + path, { ...init, headers: { 'x-request-id': id } });
    return response.text();
  };

  beforeEach(async () => {
    recorder.clear();
    AnyController.left = deferred();
    served = await listen(adapter, AppModule);
  });

  afterEach(async () => {
    await served.app.close();
  });

  it(
    'is exact in 200 concurrent requests with nested and parallel blocks',
    { timeout: 60_000 },
    async () => {
      const seeds = Array.from({ length: 200 }, (_, seed) => seed);
      await Promise.all(seeds.map((seed) => get(`/program/${seed}`, `request-${seed}`)));
      for (const seed of seeds) {
        const outer = { request_id: `request-${seed}` };
        const events = recorder.ofRequest(outer.request_id);
        const actual = new Map(events.map(({ data, context }) => [data['path'], context]));
        expect(actual).toEqual(expectedContexts(writeProgram(seed), outer));
        expect(actual.size).toBe(events.length);
      }
    },
  );

  it('applies to the Observable of a method, even if it is subscribed late', async () => {
    await Promise.all(['1', '2', '3'].map((id) => get(`/late/${id}`, `late-${id}`)));
    for (const { data, context } of recorder.events) {
      const { id } = data;
      expect(context).toEqual({ request_id: `late-${String(id)}`, elsewhere: id, lesson_id: id });
    }
    expect(recorder.events).toHaveLength(9);
  });

  it('is separate for each subscription of an Observable', async () => {
    await get('/twice/5', 'twice');
    const bySubscriber = new Map<unknown, TrackingEvent[]>();
    for (const event of recorder.events) {
      const { subscriber } = event.context;
      bySubscriber.set(subscriber, [...(bySubscriber.get(subscriber) ?? []), event]);
    }
    expect([...bySubscriber.keys()].sort()).toEqual(['first', 'second']);
    for (const [subscriber, events] of bySubscriber) {
      expect(events.map(({ name }) => name)).toEqual([
        'lesson.started',
        'lesson.watched',
        'lesson.watched',
      ]);
      for (const { context } of events) {
        expect(context).toEqual({ request_id: 'twice', subscriber, lesson_id: '5' });
      }
    }
  });

  it('applies to streams of server-sent events', async () => {
    await Promise.all(['1', '2'].map((id) => get(`/streamed/${id}`, `streamed-${id}`)));
    expect(recorder.events).toHaveLength(6);
    for (const { data, context } of recorder.events) {
      expect(context).toEqual({
        request_id: `streamed-${String(data['id'])}`,
        lesson_id: data['id'],
      });
    }
  });

  it('applies to a request that is aborted', async () => {
    const controller = new AbortController();
    const aborted = get('/slow/7', 'aborted', { signal: controller.signal });
    await expect.poll(() => recorder.named('slow.started')).toHaveLength(1);
    controller.abort();
    await expect(aborted).rejects.toThrow();
    await get('/entered?value=1', 'another');
    AnyController.left.resolve();
    await expect.poll(() => recorder.named('slow.ended')).toHaveLength(1);
    expect(recorder.only('slow.ended').context).toEqual({ request_id: 'aborted' });
  });

  it('applies to a job that a request starts without awaiting it', async () => {
    await Promise.all(['1', '2'].map((id) => get(`/job/${id}`, `job-${id}`)));
    AnyController.left.resolve();
    await expect.poll(() => recorder.named('job.done')).toHaveLength(2);
    for (const { data, context } of recorder.named('job.done')) {
      expect(context).toEqual({ request_id: `job-${String(data['id'])}`, job: data['id'] });
    }
  });

  it('does not leak into the next request of a keep-alive connection', async () => {
    await get('/entered?value=first', 'first');
    await get('/program/1', 'second');
    for (const { context } of recorder.ofRequest('second'))
      expect(context).not.toHaveProperty('entered');
    expect(recorder.ofRequest('second')).not.toHaveLength(0);
  });

  it('does not include the scope in which the server was started', async () => {
    const { app } = served;
    const url = await app.get(Tracker).context('starter', { starter: true }, async () => {
      const second = await listen(adapter, AppModule);
      served = { ...second, [Symbol.asyncDispose]: () => second.app.close() };
      return second.url;
    });
    await app.close();
    recorder.clear();
    await fetch(`${url}/program/3`, { headers: { 'x-request-id': 'fresh' } });
    expect(recorder.events).not.toHaveLength(0);
    for (const { context } of recorder.events) expect(context).not.toHaveProperty('starter');
  });

  it('of the process applies to every request and cannot be exited in one', async () => {
    const tracker = served.app.get(Tracker);
    tracker.enterContext('release', { release: '1.2.3' });
    expect(await get('/exit', 'exit')).toMatch(
      /'release' belongs to the process and cannot be exited in a request/,
    );
    await get('/job/1', 'job');
    AnyController.left.resolve();
    await expect.poll(() => recorder.named('job.done')).toHaveLength(1);
    expect(recorder.only('job.done').context).toEqual({
      release: '1.2.3',
      request_id: 'job',
      job: '1',
    });
  });

  it('of a request does not apply to events of a process timer', async () => {
    const tracker = served.app.get(Tracker);
    const ticked = deferred();
    const timer = setInterval(() => {
      tracker.emit('ticked');
      if (recorder.named('ticked').length === 5) ticked.resolve();
    }, 1);
    await Promise.all([...Array(20).keys()].map((seed) => get(`/program/${seed}`, `tick-${seed}`)));
    await ticked.promise;
    clearInterval(timer);
    for (const { context } of recorder.named('ticked')) expect(context).toEqual({});
  });
});

it('Random context programs cover every kind of step', () => {
  const kinds = new Set(
    Array.from({ length: 200 }, (_, seed) => JSON.stringify(writeProgram(seed))).flatMap(
      (program) => [...program.matchAll(/"do":"(\w+)"/g)].map(([, kind]) => kind),
    ),
  );
  expect([...kinds].sort()).toEqual(
    ['all', 'block', 'emit', 'emitter', 'observable', 'race', 'stream', 'unawaited', 'wait'].sort(),
  );
});
