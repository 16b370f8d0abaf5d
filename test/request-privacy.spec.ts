import { once } from 'node:events';
import { connect } from 'node:net';
import { Module } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import fc from 'fast-check';
import { EventTrackingModule, Tracker, type TrackingEvent } from 'nestjs-event-tracking';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADAPTERS, listen, Recorder, type HttpApplication } from './support/http-application.js';

const recorder = new Recorder();
const MAX_BYTES = 1024;

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
})
class AppModule {}

interface RawRequest {
  method?: string;
  target: string;
  headers?: Readonly<Record<string, string>>;
}

/** Texts that Node's parser lets through in a request line or a header, and some that it does not. */
const text = fc.string({
  unit: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...'ab/?#@:\\%&=.;[]*') },
    { weight: 1, arbitrary: fc.constantFrom('%zz', '%e0%a4', '%2F', '//', '\u00e9', '\u00ff') },
  ),
  maxLength: 60,
});
const secret = fc.constantFrom('SECRET', 'SECRET%40', 'a=SECRET');
const long = fc.nat({ max: 7000 }).map((length) => 'l\u00e9'.repeat(length / 2));
const host = fc.constantFrom('shop.example', 'shop.example:8080', '[::1]:80', '127.0.0.1');
const scheme = fc.constantFrom('http', 'https', 'HTTP', 'ftp', 'android-app');

const path = fc.oneof(
  text.map((rest) => `/${rest.replaceAll(/[?#]/g, '')}`),
  fc.constantFrom('', '/', '//evil.example/a', '/\\evil.example', '/%zz', '/a/../b'),
  long.map((rest) => `/${rest}`),
);
const end = fc.oneof(
  fc.constant(''),
  secret.map((value) => `?${value}`),
  secret.map((value) => `#${value}`),
  secret.map((value) => `#a?${value}`),
);
const userinfo = fc.oneof(
  fc.constant(''),
  secret.map((value) => `${value}@`),
  secret.map((value) => `user:${value}@`),
);
const url = fc
  .tuple(scheme, userinfo, host, path, end)
  .map(([s, u, h, p, e]) => `${s}://${u}${h}${p}${e}`);

const target = fc.oneof(
  fc.tuple(path, end).map((parts) => parts.join('')),
  url,
  fc.constantFrom(
    '*',
    'shop.example:443',
    'user:pw@shop.example:443',
    'http:/a',
    'http://',
    'http:',
  ),
  text,
);
const request: fc.Arbitrary<RawRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
  target,
  headers: fc.record(
    {
      host: fc.oneof(
        host,
        fc.tuple(userinfo, host, path, end).map((parts) => parts.join('')),
        text,
      ),
      referer: fc.oneof(
        url,
        fc.tuple(path, end).map((parts) => parts.join('')),
        text,
      ),
      'user-agent': fc.oneof(text, long),
      'x-request-id': fc.oneof(text, long),
      'x-forwarded-for': fc.oneof(text, long),
      'x-forwarded-proto': text,
      accept: fc.constantFrom('text/html', '*/*'),
    },
    { requiredKeys: ['host'] },
  ),
});

describe.each(ADAPTERS)('the context of any request on %s', (adapter) => {
  let served: HttpApplication;

  const send = async ({ method = 'GET', target, headers }: RawRequest): Promise<string> => {
    const { hostname, port } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    const lines = Object.entries({ host: 'shop.example', ...headers, connection: 'close' });
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => {});
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n`, 'latin1'));
    await once(socket, 'close');
    return answer;
  };

  const contextOf = async (sent: RawRequest): Promise<TrackingEvent['context']> => {
    recorder.clear();
    await send(sent);
    return recorder.only('requested').context;
  };

  beforeAll(async () => {
    served = await listen(adapter, AppModule, (app) => {
      const tracker = app.get(Tracker);
      // A middleware also sees requests that match no route.
      app.use((_request: unknown, _response: unknown, next: () => void) => {
        tracker.emit('requested');
        next();
      });
      // The adapter then reads addresses from a header, so they can have any length.
      const { set } = app.getHttpAdapter().getInstance() as { set?: Function };
      if (set !== undefined) (app as NestExpressApplication).set('trust proxy', true);
    });
  });

  afterAll(() => served.app.close());

  it(
    'holds no query, fragment or userinfo, and no text above 1 KB',
    { timeout: 120_000 },
    async () => {
      let seen = 0;
      await fc.assert(
        fc.asyncProperty(request, async (sent) => {
          recorder.clear();
          const answer = await send(sent);
          expect(answer).not.toMatch(/^HTTP\/1\.1 500/);
          for (const { context } of recorder.events) {
            seen++;
            expect(context).toMatchObject({ origin: 'server', method: sent.method });
            for (const value of Object.values(context)) {
              if (typeof value !== 'string') continue;
              expect(Buffer.byteLength(value)).toBeLessThanOrEqual(MAX_BYTES);
              expect(Buffer.from(value).toString()).toBe(value);
            }
            const { path: itsPath, page, referrer, host: itsHost } = context;
            for (const part of [itsPath, page, referrer, itsHost]) {
              if (part === undefined) continue;
              expect(part).not.toMatch(/[?#]/);
              expect(part).not.toContain('SECRET');
            }
            for (const itsUrl of [page, referrer])
              if (itsUrl !== undefined) expect(itsUrl).not.toMatch(/^[^/]*\/\/[^/\\]*@/);
            if (itsHost !== undefined) expect(itsHost).not.toMatch(/[@/\\]/);
          }
        }),
        { numRuns: 300 },
      );
      expect(seen).toBeGreaterThan(50);
    },
  );

  it.each([
    ['GET', 'http://shop.example/a/b?x=1', '/a/b', 'http://shop.example/a/b'],
    ['GET', 'http://ada:secret@shop.example:81/a', '/a', 'http://shop.example:81/a'],
    ['GET', '//evil.example/a', '//evil.example/a', 'http://good.example//evil.example/a'],
    ['GET', '/a\\b', '/a\\b', 'http://good.example/a\\b'],
    ['GET', '/%zz?x=%zz', '/%zz', 'http://good.example/%zz'],
    ['GET', '/a#b?c', '/a', 'http://good.example/a'],
  ])('reads %s %s as the path %s and the page %s', async (method, sent, itsPath, page) => {
    recorder.clear();
    await send({
      method,
      target: sent,
      headers: { host: 'user:secret@good.example', accept: 'text/html' },
    });
    // Fastify refuses some of these targets before any middleware.
    for (const { context } of recorder.events)
      expect(context).toMatchObject({ path: itsPath, page });
    if (adapter === 'Express') expect(recorder.events).toHaveLength(1);
  });

  it.each([
    ['https://ada:secret@shop.example/a?token=1#part', 'https://shop.example/a'],
    ['https://shop.example', 'https://shop.example'],
    ['https:ada:secret@shop.example/a', 'https://shop.example/a'],
    ['https://shop.example\\@evil.example/a', 'https://shop.example/@evil.example/a'],
    ['https://[2001:db8::1]:8080/a?b', 'https://[2001:db8::1]:8080/a'],
    ['android-app://com.example.app/', 'android-app://com.example.app/'],
    ['/relative?token=1', '/relative'],
    ['//ada:secret@shop.example/a', undefined],
    ['mailto:ada@example.org', undefined],
    ['nowhere at all', undefined],
    ['', undefined],
  ])('reads the referrer %s as %s', async (referer, expected) => {
    const context = await contextOf({ target: '/', headers: { referer } });
    expect(context['referrer']).toBe(expected);
  });

  it('cuts each value between two characters', async () => {
    const accented = '\u00e9'.repeat(2000);
    const context = await contextOf({
      target: `/${'p'.repeat(3000)}?token=1`,
      headers: { 'user-agent': accented, referer: `http://shop.example/${accented}` },
    });
    expect(context['agent']).toBe('\u00e9'.repeat(512));
    expect(context['path']).toBe(`/${'p'.repeat(1023)}`);
    expect(context['referrer']).toBe(`http://shop.example/${'\u00e9'.repeat(502)}`);
  });
});
