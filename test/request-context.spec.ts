import { Controller, Get, Module, type Type } from '@nestjs/common';
import { EventTrackingModule, Tracker, type EventTrackingOptions } from 'nestjs-event-tracking';
import { describe, expect, it } from 'vitest';
import { ADAPTERS, listen, Recorder, type Adapter } from './support/http-application.js';

@Controller()
class CoursesController {
  constructor(private readonly tracker: Tracker) {}

  @Get('courses')
  async read(): Promise<string> {
    this.tracker.emit('first');
    await Promise.resolve();
    this.tracker.emit('second');
    return 'courses';
  }
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe.each(ADAPTERS)('The request context on %s', (adapter) => {
  it('contains the method, path, host, client and id of the request', async () => {
    const { context, host } = await askedOn(adapter, {}, '/courses?page=2', {
      'user-agent': 'a browser',
      referer: 'https://example.org/start',
      'x-request-id': 'given',
    });
    expect(context).toEqual({
      method: 'GET',
      path: '/courses',
      host,
      ip: '127.0.0.1',
      agent: 'a browser',
      referrer: 'https://example.org/start',
      request_id: 'given',
      origin: 'server',
    });
  });

  it('contains a generated request id, the same for all events, if the client sends none', async () => {
    const { recorder } = await askedOn(adapter, {}, '/courses', {});
    const [first, second] = recorder.events.map(({ context }) => context['request_id']);
    expect(first).toEqual(second);
    expect(first).toMatch(adapter === 'Fastify' ? /^req-/ : UUID);
  });

  it('truncates a request id that is too long', async () => {
    const { context } = await askedOn(adapter, {}, '/courses', {
      'x-request-id': 'x'.repeat(5000),
    });
    expect(context['request_id']).toBe('x'.repeat(200));
  });

  it.each([
    ['a browser that loads a document', { 'sec-fetch-dest': 'document' }, true],
    ['a browser that loads a script', { 'sec-fetch-dest': 'script', accept: 'text/html' }, false],
    ['a client that prefers HTML', { accept: 'text/html,application/xhtml+xml' }, true],
    ['a client that prefers JSON', { accept: 'application/json' }, false],
  ])(
    'contains a page depending on the client, %s: %o → %s',
    async (_who, headers: Record<string, string>, hasPage) => {
      const { context, host } = await askedOn(adapter, {}, '/courses?page=2', headers);
      expect(context['page']).toBe(hasPage ? `http://${host}/courses?page=2` : undefined);
    },
  );

  it('is absent with context: false', async () => {
    const { context } = await askedOn(adapter, { context: false }, '/courses', {});
    expect(context).toEqual({});
  });

  it('can be extended', async () => {
    const { context } = await askedOn(
      adapter,
      {
        context: {
          request: (request: { url: string }, defaults) => ({ ...defaults, url: request.url }),
        },
      },
      '/courses?page=2',
      {},
    );
    expect(context).toMatchObject({ method: 'GET', path: '/courses', url: '/courses?page=2' });
  });

  it('can be replaced', async () => {
    const { context } = await askedOn(
      adapter,
      { context: { request: () => ({ tenant: 'acme' }) } },
      '/courses',
      {},
    );
    expect(context).toEqual({ tenant: 'acme' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['returns nothing', () => undefined as unknown as object],
  ])('is the default if the configured function %s', async (_how, request: () => object) => {
    const { context, status } = await askedOn(adapter, { context: { request } }, '/courses', {});
    expect(status).toBe(200);
    expect(context).toMatchObject({ method: 'GET', path: '/courses', origin: 'server' });
  });
});

async function askedOn(
  adapter: Adapter,
  options: EventTrackingOptions,
  path: string,
  headers: Record<string, string>,
) {
  const recorder = new Recorder();
  await using served = await listen(adapter, moduleWith({ ...options, backends: { recorder } }));
  const { status } = await fetch(served.url + path, { headers });
  return {
    status,
    recorder,
    context: recorder.only('first').context,
    host: new URL(served.url).host,
  };
}

function moduleWith(options: EventTrackingOptions): Type {
  @Module({ imports: [EventTrackingModule.forRoot(options)], controllers: [CoursesController] })
  class AppModule {}
  return AppModule;
}
