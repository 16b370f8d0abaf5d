import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  DeliveringBackend,
  EventTrackingModule,
  parseTimestamp,
  Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import {
  PosthogBackend,
  posthogBackend,
  type PosthogBackendOptions,
} from 'nestjs-event-tracking/posthog';
import { backendContract } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHttpServer, status, type TestHttpServer } from './services/http-server.js';

interface PosthogMessage {
  uuid: string;
  event: string;
  distinct_id: string;
  timestamp: string;
  properties: Record<string, unknown>;
}

let server: TestHttpServer;

beforeEach(async () => {
  server = await startHttpServer();
});

afterEach(() => server.stop());

const batches = () =>
  server.accepted.map(({ body }) => JSON.parse(body) as { batch: PosthogMessage[] });
const messages = () => batches().flatMap(({ batch }) => batch);

/** Sends an event with this context; resolves to the message. */
async function messageOf(
  context: Record<string, unknown>,
  options: Partial<PosthogBackendOptions> = {},
): Promise<PosthogMessage> {
  const backend = new PosthogBackend({ apiKey: 'phc_key', host: server.url, ...options });
  const tracker = new Tracker({ backends: { posthog: new DeliveringBackend(backend) } });
  tracker.context(context, () => tracker.emit('course.enrolled', { course_id: 'DemoX' }));
  await tracker.close();
  return messages()[0]!;
}

describe('PosthogBackend fulfils the backend contract', () => {
  const properties = ({ context, data }: TrackingEvent) => ({ context, data });
  for (const { name, run } of backendContract({
    create: () => new PosthogBackend({ apiKey: 'phc_key', host: server.url, properties }),
    stored: async () => {
      const events = messages().map(
        ({ uuid, event, timestamp, properties: { context, data } }): TrackingEvent => ({
          id: uuid,
          name: event,
          timestamp: parseTimestamp(timestamp),
          context: context as TrackingEvent['context'],
          data: data as TrackingEvent['data'],
        }),
      );
      return [...new Map(events.map((event) => [event.id, event])).values()];
    },
    keepsOrder: false,
    outage: {
      begin: async () => server.answerAlways(status(503)),
      end: async () => server.answerAlways(undefined),
    },
  })) {
    it(name, run);
  }
});

describe('Messages of PosthogBackend', () => {
  it('go to the batch API with the key of the project', async () => {
    await messageOf({ user_id: 7 });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/batch/' });
    expect(batches()[0]).toMatchObject({ api_key: 'phc_key', historical_migration: false });
  });

  it('contain the event with its id, person, time, context and data', async () => {
    const message = await messageOf({ user_id: 7, ip: '203.0.113.7', page: 'https://a.org/x' });
    expect(message).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      event: 'course.enrolled',
      distinct_id: '7',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      properties: {
        $ip: '203.0.113.7',
        $current_url: 'https://a.org/x',
        $lib: 'nestjs-event-tracking',
        user_id: 7,
        ip: '203.0.113.7',
        page: 'https://a.org/x',
        course_id: 'DemoX',
      },
    });
  });

  it('create no person for an event without one', async () => {
    const message = await messageOf({});
    expect(message.distinct_id).toBe(message.uuid);
    expect(message.properties).toMatchObject({ $process_person_profile: false });
  });

  it('have the person, the properties and the properties of the person that functions return', async () => {
    const message = await messageOf(
      { session_id: 's', plan: 'pro' },
      {
        distinctId: ({ context }) => String(context['session_id']),
        properties: ({ data }) => data,
        personProperties: ({ context }) => ({ plan: context['plan'] }),
      },
    );
    expect(message).toMatchObject({ distinct_id: 's' });
    expect(message.properties).toEqual({
      course_id: 'DemoX',
      $lib: 'nestjs-event-tracking',
      $set: { plan: 'pro' },
    });
  });
});

describe('posthogBackend()', () => {
  it('sends the events of an application', async () => {
    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: {
            posthog: posthogBackend({
              inject: ['HOST'],
              useFactory: (host: string) => ({ apiKey: 'phc_key', host }),
            }),
          },
          imports: [
            {
              module: class Settings {},
              providers: [{ provide: 'HOST', useValue: server.url }],
              exports: ['HOST'],
            },
          ],
        }),
      ],
    })
    class AppModule {}
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    app.get(Tracker).emit('course.enrolled');
    await app.close();
    expect(messages().map(({ event }) => event)).toEqual(['course.enrolled']);
  });

  it.each<[unknown, string]>([
    [undefined, 'posthogBackend: options must be an object'],
    [{}, 'posthogBackend: apiKey must be the key of a PostHog project'],
    [{ apiKey: 'phc_key', host: 'eu' }, 'posthogBackend: host must be an address'],
    [{ apiKey: 'phc_key', project: 1 }, `unknown option 'project'`],
  ])('rejects the options %o', (options, message) => {
    expect(() => posthogBackend(options as PosthogBackendOptions)).toThrow(message);
  });
});
