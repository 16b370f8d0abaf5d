import { ConfigurableModuleBuilder, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Analytics } from '@segment/analytics-node';
import {
  DeliveringBackend,
  EventTrackingModule,
  MemoryBackend,
  parseTimestamp,
  Tracker,
  type DeliveryOptions,
  type Outcome,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import {
  SegmentBackend,
  segmentBackend,
  type SegmentBackendOptions,
} from 'nestjs-event-tracking/segment';
import { backendContract } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSegmentServer, type SegmentServer } from './services/segment-server.js';

let server: SegmentServer;
const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

beforeEach(async () => {
  server = await startSegmentServer();
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(() => server.stop());

function tracked(options: Partial<SegmentBackendOptions> = {}, delivery: DeliveryOptions = {}) {
  return trackedBy(new SegmentBackend({ host: server.url, writeKey: 'key', ...options }), delivery);
}

function trackedBy(backend: SegmentBackend, delivery: DeliveryOptions = {}) {
  const dead = new MemoryBackend();
  const retry = { minDelay: 1, maxDelay: 5 };
  const segment = new DeliveringBackend(backend, { retry, deadLetter: dead, ...delivery });
  const tracker = new Tracker({ backends: { segment }, logger: log });
  return { tracker, dead, stats: () => tracker.stats().backends['segment']! };
}

/** Returns the events that Segment stores; it deduplicates messages by their id. */
function stored(): TrackingEvent[] {
  const messages = new Map(server.taken.map((message) => [message.messageId, message]));
  return [...messages.values()].map(({ messageId, timestamp, event, properties = {} }) => ({
    id: messageId,
    name: event!,
    timestamp: parseTimestamp(timestamp),
    context: properties['context'] as TrackingEvent['context'],
    data: properties['data'] as TrackingEvent['data'],
  }));
}

describe('SegmentBackend fulfils the backend contract:', () => {
  const outage = {
    begin: async () => server.answerAlways({ status: 503 }),
    end: async () => server.answerAlways(undefined),
  };
  const kinds = {
    directly: () => new SegmentBackend({ host: server.url, writeKey: 'key' }),
    'with delivery': () =>
      new DeliveringBackend(new SegmentBackend({ host: server.url, writeKey: 'key' }), {
        flushInterval: 5,
        retry: { minDelay: 5, maxDelay: 20 },
      }),
    'with a client of the application': () =>
      new SegmentBackend({
        client: new Analytics({ host: server.url, writeKey: 'key', maxRetries: 0 }),
      }),
  };
  for (const [kind, create] of Object.entries(kinds)) {
    describe(kind, () => {
      for (const { name, run } of backendContract({
        create,
        stored: async () => stored(),
        outage,
      })) {
        it(name, run);
      }
    });
  }
});

describe('Messages of SegmentBackend', () => {
  it('are track calls with the event as properties, its id as messageId and its time', async () => {
    const { tracker } = tracked();
    tracker.context({ user_id: 7 }, () => tracker.emit('course.enrolled', { course_id: 'DemoX' }));
    await tracker.flush();
    const [message] = server.taken;
    expect(message).toMatchObject({
      writeKey: 'key',
      type: 'track',
      userId: '7',
      event: 'course.enrolled',
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(message!.properties).toEqual({
      id: message!.messageId,
      name: 'course.enrolled',
      timestamp: message!.timestamp,
      context: { user_id: 7 },
      data: { course_id: 'DemoX' },
    });
  });

  it.each([
    [{ client_id: 'GA1.2' }, { 'Google Analytics': { clientId: 'GA1.2' } }],
    [{ ip: '203.0.113.7' }, { ip: '203.0.113.7' }],
    [{ agent: 'Firefox' }, { userAgent: 'Firefox' }],
    [{ referrer: 'https://a.org/' }, { page: { referrer: 'https://a.org/' } }],
    [{ referer: 'https://b.org/' }, { page: { referrer: 'https://b.org/' } }],
    [{ page: 'https://c.org/x' }, { page: { url: 'https://c.org/x' } }],
    [{ path: '/p', host: 'h.org' }, { page: { path: '/p', url: 'https://h.org/p' } }],
    [{ path: 'p', host: 'h.org' }, { page: { path: 'p', url: 'https://h.org/p' } }],
    [
      { path: '/p', host: 'h.org', page: 'https://d.org/' },
      { page: { path: '/p', url: 'https://d.org/' } },
    ],
    [{ path: '/p' }, { page: { path: '/p' } }],
    [
      { ip: '', agent: '' },
      { ip: '', userAgent: '' },
    ],
    [{ course_id: 'DemoX' }, {}],
  ])('carry the context %j in the fields that Segment expects', async (context, expected) => {
    const { tracker } = tracked();
    tracker.context({ user_id: 7, ...context }, () => tracker.emit('e'));
    await tracker.flush();
    const { library: _, ...sent } = server.taken[0]!.context!;
    expect(sent).toEqual(expected);
  });

  it.each([[0], [''], ['anna'], [false]])('belong to the user %j', async (user_id) => {
    const { tracker, stats } = tracked();
    tracker.context({ user_id }, () => tracker.emit('e'));
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 1 });
    expect(server.taken[0]).toMatchObject({ userId: String(user_id) });
  });

  it('are not sent for events without a user, which become dead letters', async () => {
    const { tracker, stats, dead } = tracked();
    tracker.emit('nobody');
    tracker.context({ user_id: null }, () => tracker.emit('null'));
    tracker.context({ user_id: 7 }, () => tracker.emit('somebody'));
    await tracker.flush();
    expect(stats()).toMatchObject({ arrived: 3, delivered: 1, dead: 2 });
    expect(server.taken.map(({ event }) => event)).toEqual(['somebody']);
    expect(dead.events[0]).toMatchObject({
      dead_letter: { error: expect.stringMatching(/no context\.user_id/) },
    });
  });

  it.each([undefined, null])('are not sent if the anonymous id is %s', async (nobody) => {
    const { tracker, stats } = tracked({ anonymousId: () => nobody as undefined });
    tracker.emit('course.enrolled');
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 0, dead: 1 });
  });

  it('carry the configured anonymous id', async () => {
    const { tracker, stats } = tracked({
      anonymousId: ({ context }) => context['session_id'] as string | undefined,
    });
    tracker.context({ session_id: 's1' }, () => tracker.emit('a'));
    tracker.emit('b');
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 1, dead: 1 });
    expect(server.taken).toMatchObject([{ anonymousId: 's1' }]);
    expect(server.taken[0]).not.toHaveProperty('userId');
  });
});

describe('SegmentBackend', () => {
  function emit(tracker: Tracker, count: number, data: object = {}): void {
    tracker.context({ user_id: 7 }, () => {
      for (let index = 0; index < count; index++) tracker.emit(`e${index}`, data);
    });
  }

  it.each([
    ['answers 500', { status: 500 }],
    ['answers 429', { status: 429 }],
    ['resets the connection', 'reset'],
  ] as const)('retries when Segment %s', async (_, answer) => {
    server.answer(answer, answer);
    const { tracker, stats } = tracked();
    emit(tracker, 3);
    await tracker.flush();
    expect(stats()).toMatchObject({ arrived: 3, delivered: 3, retried: 6, pending: 0 });
    expect(stored()).toHaveLength(3);
    expect(server.requests).toBe(3);
  });

  it('waits for the duration of Retry-After', async () => {
    server.answer({ status: 429, headers: { 'retry-after': '1' } });
    const { tracker } = tracked();
    emit(tracker, 1);
    const start = performance.now();
    await tracker.flush();
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(stored()).toHaveLength(1);
  });

  it('sends unanswered messages again, which Segment stores once', async () => {
    server.answer('take and reset', 'take and stall');
    const { tracker, stats } = tracked({}, { timeout: 500 });
    emit(tracker, 3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, retried: 6 });
    expect(server.taken).toHaveLength(9);
    expect(stored()).toHaveLength(3);
  });

  it.each([400, 413])(
    'finds the message for which Segment rejects a batch with %i',
    async (status) => {
      server.answerAlways((batch) =>
        batch.some(({ event }) => event === 'e42') ? { status } : undefined,
      );
      const { tracker, stats, dead } = tracked();
      emit(tracker, 100);
      await tracker.flush();
      expect(stats()).toMatchObject({ delivered: 99, dead: 1, pending: 0 });
      expect(dead.events.map(({ name }) => name)).toEqual(['e42']);
      expect(stored()).toHaveLength(99);
    },
  );

  it.each([401, 403, 501])('gives up a batch that Segment rejects with %i', async (status) => {
    server.answerAlways({ status });
    const { tracker, stats } = tracked();
    emit(tracker, 10);
    await tracker.flush();
    expect(stats()).toMatchObject({ dead: 10, retried: 0 });
    expect(server.requests).toBe(1);
  });

  it.each([
    ['redirects to a page', { status: 302, headers: { location: '/login' } }],
    ['answers with a page', { status: 200, headers: { 'content-type': 'text/html' } }],
  ])('retries when a proxy %s', async (_, answer) => {
    server.answer(answer);
    const { tracker, stats } = tracked();
    emit(tracker, 3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, retried: 3, pending: 0 });
    expect(server.requests).toBe(2);
  });

  it('ignores a late answer to an attempt that timed out', async () => {
    server.answer(
      { status: 400, delay: 300 },
      { status: 400 },
      { status: 200, delay: 200 },
      { status: 400 },
    );
    const { tracker, stats, dead } = tracked({}, { timeout: 250 });
    emit(tracker, 2);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 1, dead: 1 });
    expect(dead.events.map(({ name }) => name)).toEqual(['e1']);
  });

  it('gives up only the message that exceeds the limit of Segment', async () => {
    const { tracker, stats, dead } = tracked();
    tracker.context({ user_id: 7 }, () => {
      tracker.emit('small');
      tracker.emit('large', { text: 'é'.repeat(20_000) });
    });
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 1, dead: 1 });
    expect(dead.events[0]).toMatchObject({
      name: 'large',
      dead_letter: { error: expect.stringMatching(/maximum event size of 32 KB/) },
    });
  });

  it('retries messages that a client of the application gave up', async () => {
    server.answer({ status: 500 });
    const client = new Analytics({ host: server.url, writeKey: 'theirs', maxRetries: 0 });
    const { tracker, stats } = tracked({ client });
    emit(tracker, 3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, retried: 3 });
    expect(server.taken[0]).toMatchObject({ writeKey: 'theirs' });
    await tracker.close();
    client.track({ userId: '7', event: 'of the application' });
    await client.closeAndFlush();
    expect(server.taken.at(-1)).toMatchObject({ event: 'of the application' });
  });

  it('drops messages that it cannot send before the closing deadline', async () => {
    server.answerAlways('stall');
    const { tracker, stats } = tracked();
    emit(tracker, 3);
    await tracker.close({ signal: AbortSignal.timeout(100) });
    expect(stats()).toMatchObject({ arrived: 3, dropped: { undelivered: 3 }, pending: 0 });
  });

  it('closes its client only after a flush that exceeds the closing deadline', async () => {
    server.answerAlways('stall');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const backend = new SegmentBackend({
      host: server.url,
      writeKey: 'key',
      httpRequestTimeout: 200,
    });
    const closed = vi.spyOn(backend.client, 'closeAndFlush');
    const { tracker } = trackedBy(backend);
    emit(tracker, 3);
    await tracker.close({ signal: AbortSignal.timeout(50) });
    expect(closed).not.toHaveBeenCalled();
    await vi.waitUntil(() => closed.mock.calls.length === 1);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('rejects options without a write key', () => {
    expect(() => new SegmentBackend({})).toThrow(
      /writeKey must be the write key of a Segment source; received undefined. Pass \{ writeKey \}/,
    );
  });
});

describe('Outcomes of SegmentBackend', () => {
  const batchOf = (name: string, size: number): TrackingEvent[] =>
    Array.from({ length: size }, (_, index) => ({
      id: `${name}-${index}`,
      name,
      timestamp: new Date(),
      context: { user_id: 7 },
      data: {},
    }));
  const ok = (outcomes: readonly Outcome[]) => outcomes.map((outcome) => outcome.ok);

  it('belong to their own batch if a later batch ends first', async () => {
    // The two requests use separate connections and arrive in any order.
    server.answerAlways(([message]) => (message!.event === 'first' ? 'stall' : undefined));
    const backend = new SegmentBackend({
      host: server.url,
      writeKey: 'key',
      httpRequestTimeout: 300,
    });
    const ended: string[] = [];
    const send = async (name: string) => {
      const outcomes = await backend.sendBatch(batchOf(name, 100));
      ended.push(name);
      return outcomes;
    };
    const [first, second] = await Promise.all([send('first'), send('second')]);
    expect(ended).toEqual(['second', 'first']);
    expect(ok(first)).toEqual(Array(100).fill(false));
    expect(ok(second)).toEqual(Array(100).fill(true));
  });

  it('are failures only for the messages without a user', async () => {
    const backend = new SegmentBackend({ host: server.url, writeKey: 'key' });
    const [one, two, three] = batchOf('e', 3) as [TrackingEvent, TrackingEvent, TrackingEvent];
    const outcomes = await backend.sendBatch([
      { ...one, context: {} },
      two,
      { ...three, context: {} },
    ]);
    expect(ok(outcomes)).toEqual([false, true, false]);
  });

  it('are reported to both callers if the same events are sent twice concurrently', async () => {
    const backend = new SegmentBackend({ host: server.url, writeKey: 'key' });
    const batch = batchOf('e', 3);
    const both = await Promise.all([
      backend.sendBatch(batch),
      backend.sendBatch([...batch, ...batch]),
    ]);
    expect(both.map(ok)).toEqual([Array(3).fill(true), Array(6).fill(true)]);
  });

  it('are not confused with messages that the application tracks with the same client', async () => {
    const client = new Analytics({ host: server.url, writeKey: 'key', maxRetries: 0 });
    const backend = new SegmentBackend({ client });
    const sent = backend.sendBatch(batchOf('e', 3));
    client.track({ userId: '7', event: 'of the application' });
    const again = backend.sendBatch(batchOf('f', 2));
    expect(ok(await sent)).toEqual([true, true, true]);
    expect(ok(await again)).toEqual([true, true]);
  });

  it('do not wait for the client to fill a batch', async () => {
    const settings = { host: server.url, writeKey: 'key', flushInterval: 60_000 };
    const backend = new SegmentBackend(settings);
    const [nobody, ...rest] = batchOf('e', 100);
    const outcomes = await backend.sendBatch([{ ...nobody!, context: {} }, ...rest]);
    expect(ok(outcomes)).toEqual([false, ...Array(99).fill(true)]);
    const large = { ...nobody!, data: { text: 'é'.repeat(20_000) } };
    expect(ok(await backend.sendBatch([large, ...rest]))).toEqual([false, ...Array(99).fill(true)]);
    await backend.close();
  });

  it('are failures if the application has closed the client', async () => {
    const client = new Analytics({ host: server.url, writeKey: 'key' });
    const backend = new SegmentBackend({ client });
    await client.closeAndFlush();
    const closed = {
      ok: false,
      retryable: true,
      error: { message: expect.stringMatching(/closed/) },
    };
    expect(await backend.sendBatch(batchOf('e', 2))).toMatchObject([closed, closed]);
  });

  it('are successes for events with values that JSON cannot represent', async () => {
    const backend = new SegmentBackend({ host: server.url, writeKey: 'key' });
    const [one, two, three] = batchOf('e', 3) as [TrackingEvent, TrackingEvent, TrackingEvent];
    const circle: Record<string, unknown> = {};
    circle['again'] = circle;
    const outcomes = await backend.sendBatch([
      { ...one, data: { count: 10n } },
      two,
      { ...three, data: { circle } },
    ]);
    expect(ok(outcomes)).toEqual([true, true, true]);
    expect(Object.fromEntries(stored().map(({ id, data }) => [id, data]))).toEqual({
      'e-0': { count: '10' },
      'e-1': {},
      'e-2': { circle: { again: '[Circular]' } },
    });
  });

  it('are filtered for messages that a plugin of the client drops', async () => {
    const client = new Analytics({ host: server.url, writeKey: 'key', flushInterval: 20 });
    await client.register({
      name: 'no tests',
      type: 'before',
      version: '1',
      isLoaded: () => true,
      load: async () => {},
      track: (context) => (context.event.event === 'test' ? context.cancel() : context),
    });
    const { tracker, stats } = tracked({ client });
    tracker.context({ user_id: 7 }, () => {
      tracker.emit('test');
      tracker.emit('sold');
    });
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 1, filtered: 1, retried: 0, pending: 0 });
  });

  it('are reported even if a flush of the client fails', async () => {
    const client = new Analytics({ host: server.url, writeKey: 'key', flushInterval: 20 });
    vi.spyOn(client, 'flush').mockRejectedValueOnce(new Error('cannot flush'));
    const backend = new SegmentBackend({ client });
    expect(ok(await backend.sendBatch(batchOf('e', 1)))).toEqual([true]);
    expect(ok(await backend.sendBatch(batchOf('f', 1)))).toEqual([true]);
  });

  it('are not tracked for events that no attempt awaits any more', async () => {
    server.answer('stall');
    const settings = { host: server.url, writeKey: 'key', maxRetries: 0, httpRequestTimeout: 200 };
    const backend = new SegmentBackend({ client: new Analytics(settings) });
    const first = backend.sendBatch(batchOf('e', 1));
    await vi.waitUntil(() => server.requests === 1);
    const late = new AbortController();
    const second = backend.sendBatch(batchOf('f', 1), late);
    late.abort(new Error('too late'));
    await expect(second).rejects.toThrow('too late');
    expect(ok(await first)).toEqual([false]);
    expect(server.requests).toBe(1);
  });

  it('are empty for an empty batch', async () => {
    const backend = new SegmentBackend({ host: server.url, writeKey: 'key' });
    expect(await backend.sendBatch([])).toEqual([]);
  });
});

describe('Segment in a Nest application', () => {
  @Injectable()
  class Keys {
    readonly marketing = 'marketing-key';
  }

  @Module({ providers: [Keys], exports: [Keys] })
  class KeysModule extends new ConfigurableModuleBuilder().build().ConfigurableModuleClass {}

  it('serves several accounts, and is flushed at shutdown', async () => {
    @Module({
      imports: [
        EventTrackingModule.forRoot({
          imports: [KeysModule],
          backends: {
            product: segmentBackend({ host: server.url, writeKey: 'product-key' }),
            marketing: segmentBackend({
              inject: [Keys],
              useFactory: (keys: Keys) => ({ host: server.url, writeKey: keys.marketing }),
              delivery: { batchSize: 10, deadLetter: new MemoryBackend() },
            }),
          },
        }),
      ],
    })
    class AppModule {}

    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const tracker = app.get(Tracker);
    tracker.context({ user_id: 7 }, () => tracker.emit('sold'));
    expect(tracker.getBackend('marketing')).toBeInstanceOf(SegmentBackend);
    await app.close();
    expect(server.taken.map(({ writeKey, event }) => ({ writeKey, event }))).toEqual(
      expect.arrayContaining([
        { writeKey: 'product-key', event: 'sold' },
        { writeKey: 'marketing-key', event: 'sold' },
      ]),
    );
  });
});
