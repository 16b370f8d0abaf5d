import type { ServerResponse } from 'node:http';
import { AsyncResource } from 'node:async_hooks';
import { Controller, Get, Module, Param, Res, type Type } from '@nestjs/common';
import { ClsModule, ClsService } from 'nestjs-cls';
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

  @Get('courses/:id/lessons/:lesson')
  lesson(@Param('id') id: string): string {
    this.tracker.emit('first');
    return id;
  }

  @Get('reported')
  reported(@Res({ passthrough: true }) response: ServerResponse & { raw?: ServerResponse }) {
    const { raw = response } = response;
    const report = AsyncResource.bind(() => this.tracker.emit('first'));
    raw.on('finish', report);
    this.tracker.emit('early');
    return 'reported';
  }
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe.each(ADAPTERS)('The request context on %s', (adapter) => {
  it('contains the method, path, route, host, client and id of the request', async () => {
    const { context, host } = await askedOn(adapter, {}, '/courses?page=2', {
      'user-agent': 'a browser',
      referer: 'https://example.org/start',
      'x-request-id': 'given',
    });
    expect(context).toEqual({
      method: 'GET',
      path: '/courses',
      route: '/courses',
      host,
      ip: '127.0.0.1',
      agent: 'a browser',
      referrer: 'https://example.org/start',
      request_id: 'given',
      origin: 'server',
    });
  });

  it('contains the pattern of the route', async () => {
    const { context } = await askedOn(adapter, {}, '/courses/7/lessons/8', {});
    expect(context).toMatchObject({
      path: '/courses/7/lessons/8',
      route: '/courses/:id/lessons/:lesson',
    });
  });

  it('contains the status and the duration in events emitted after the response was sent', async () => {
    const { context, recorder } = await askedOn(adapter, {}, '/reported', {});
    expect(context).toMatchObject({ status: 200, path: '/reported', duration: expect.any(Number) });
    expect(context['duration']).toBeGreaterThan(0);
    const early = recorder.only('early').context;
    expect(early).not.toHaveProperty('status');
    expect(early).not.toHaveProperty('duration');
  });

  it('passes values that became known later to context.request', async () => {
    const { context } = await askedOn(
      adapter,
      { context: { request: (_request, { route, status }) => ({ route, status }) } },
      '/reported',
      {},
    );
    expect(context).toEqual({ route: '/reported', status: 200 });
  });

  it('has a new request id in each request without one, the same for all its events', async () => {
    const recorder = new Recorder();
    await using served = await listen(adapter, moduleWith({ backends: { recorder } }));
    for (let request = 0; request < 3; request++) await fetch(`${served.url}/courses`);
    const ids = recorder.events.map(({ context }) => context['request_id']);
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(UUID);
    expect(ids[0]).toBe(ids[1]);
  });

  it.each([
    ['has 201 characters', 'x'.repeat(201)],
    ['has 5000 characters', 'x'.repeat(5000)],
    ['is empty', ''],
    ['contains a tab', 'a\tb'],
    ['contains a byte above ASCII', 'caf\u00e9'],
  ])('has a new request id if that of the header %s', async (_how, id) => {
    const { context } = await askedOn(adapter, {}, '/courses', { 'x-request-id': id });
    expect(context['request_id']).toMatch(UUID);
  });

  it('keeps a request id of 200 characters', async () => {
    const id = 'x'.repeat(200);
    const { context } = await askedOn(adapter, {}, '/courses', { 'x-request-id': id });
    expect(context['request_id']).toBe(id);
  });

  it.each([
    ['a browser that loads a document', { 'sec-fetch-dest': 'document' }, true],
    ['a browser that loads a script', { 'sec-fetch-dest': 'script', accept: 'text/html' }, false],
    ['a client that prefers HTML', { accept: 'text/html,application/xhtml+xml' }, true],
    ['a client that prefers JSON', { accept: 'application/json' }, false],
  ])('has a page for %s: %o → %s', async (_who, headers: Record<string, string>, hasPage) => {
    const { context, host } = await askedOn(adapter, {}, '/courses?page=2', headers);
    expect(context['page']).toBe(hasPage ? `http://${host}/courses` : undefined);
  });

  it('keeps the configured parameters of a query in page and referrer, never in path', async () => {
    const { context, host } = await askedOn(
      adapter,
      { context: { query: ['utm_*', 'page'] } },
      '/courses?token=secret&utm_source=mail&page=2&utm%5Fa=a%20b&pages=9&utm_%zz=1',
      { accept: 'text/html', referer: 'https://ada:secret@shop.example/?code=secret&page=3#part' },
    );
    expect(context).toMatchObject({
      path: '/courses',
      page: `http://${host}/courses?utm_source=mail&page=2&utm%5Fa=a%20b&utm_%zz=1`,
      referrer: 'https://shop.example/?page=3',
    });
  });

  it('keeps a whole query for an asterisk alone', async () => {
    const { context, host } = await askedOn(
      adapter,
      { context: { query: ['*'] } },
      '/courses?a=1&b',
      { accept: 'text/html' },
    );
    expect(context['page']).toBe(`http://${host}/courses?a=1&b`);
  });

  it('cuts each text that context.request returns', async () => {
    const { context } = await askedOn(
      adapter,
      {
        context: {
          request: (request: { headers: Record<string, string> }) => ({
            user: { id: request.headers['x-user'], roles: ['a', request.headers['x-user']] },
          }),
        },
      },
      '/courses',
      { 'x-user': 'u'.repeat(8000) },
    );
    const id = 'u'.repeat(1024);
    expect(context).toEqual({ user: { id, roles: ['a', id] } });
  });

  it.each([
    ['\u{1f600}'.repeat(2000), '\u{1f600}'.repeat(256)],
    [`a${'\u{1f600}'.repeat(2000)}`, `a${'\u{1f600}'.repeat(255)}`],
    [`${'a'.repeat(1021)}\u20ac!`, `${'a'.repeat(1021)}\u20ac`],
    [`${'a'.repeat(1022)}\u20ac`, 'a'.repeat(1022)],
    ['\u20ac'.repeat(341), '\u20ac'.repeat(341)],
    ['\u20ac'.repeat(342), '\u20ac'.repeat(341)],
  ])('cuts texts by bytes and never within a character', async (text, expected) => {
    const request = () => ({ text });
    const { context } = await askedOn(adapter, { context: { request } }, '/courses', {});
    expect(context).toEqual({ text: expected });
  });

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
  ])('falls back to the default if context.request %s', async (_how, request: () => object) => {
    const { context, status } = await askedOn(adapter, { context: { request } }, '/courses', {});
    expect(status).toBe(200);
    expect(context).toMatchObject({ method: 'GET', path: '/courses', origin: 'server' });
  });

  it.each([
    ['copies keys', ['tenant', 'user.id'], { tenant: 'acme', user: { id: 7 } }],
    [
      'renames keys',
      { user_id: 'user.id', 'of.tenant': 'tenant' },
      { user_id: 7, of: { tenant: 'acme' } },
    ],
  ])('%s of the application’s CLS', async (_how, cls, expected) => {
    const recorder = new Recorder();
    @Module({
      imports: [
        ClsModule.forRoot({
          global: true,
          middleware: {
            mount: true,
            setup: (store: ClsService) => {
              store.set('tenant', 'acme');
              store.set('user', { id: 7 });
            },
          },
        }),
        moduleWith({ backends: { recorder }, context: { request: () => ({}), cls } }),
      ],
    })
    class AppModule {}
    await using served = await listen(adapter, AppModule);
    await fetch(`${served.url}/courses`);
    expect(recorder.only('first').context).toEqual(expected);
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
  await expect.poll(() => recorder.named('first')).toHaveLength(1);
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
