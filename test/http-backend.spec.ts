import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  DeliveringBackend,
  ImproperlyConfigured,
  MemoryBackend,
  parseEvent,
  RetryableDeliveryError,
  Tracker,
  type DeliveryOptions,
  type Outcome,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { HttpBackend, httpBackend, type HttpBackendOptions } from 'nestjs-event-tracking/http';
import { backendContract } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  reset,
  stall,
  startHttpServer,
  status,
  type ReceivedRequest,
  type TestHttpServer,
} from './services/http-server.js';

let server: TestHttpServer;
let backends: HttpBackend[] = [];
const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

beforeEach(async () => {
  server = await startHttpServer();
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close({ signal: AbortSignal.abort() })));
  backends = [];
  await server.stop();
});

function backendOf(options: Partial<HttpBackendOptions> = {}): HttpBackend {
  const backend = new HttpBackend({ url: `${server.url}/events`, ...options });
  backends.push(backend);
  return backend;
}

function tracked(options: Partial<HttpBackendOptions> = {}, delivery: DeliveryOptions = {}) {
  const dead = new MemoryBackend();
  const retry = { minDelay: 1, maxDelay: 5 };
  const http = new DeliveringBackend(backendOf(options), { retry, deadLetter: dead, ...delivery });
  const tracker = new Tracker({ backends: { http }, logger: log });
  const emitMany = (count: number, data: (index: number) => Record<string, unknown> = numbered) => {
    for (let index = 0; index < count; index++) tracker.emit('course.viewed', data(index));
  };
  return { tracker, dead, emitMany, stats: () => tracker.stats().backends['http']! };
}

const numbered = (number: number) => ({ number });
const eventOf = (parts: Partial<TrackingEvent> = {}): TrackingEvent => ({
  id: 'one',
  name: 'course.viewed',
  timestamp: new Date(),
  context: {},
  data: {},
  ...parts,
});

/** Replaces lone surrogates, which UTF-8 cannot represent. */
const wellFormed = (text: string) => Buffer.from(text).toString();

/** Reads the events of a request: an array, lines or one object of JSON. */
function eventsIn({ body }: ReceivedRequest): TrackingEvent[] {
  if (!body.startsWith('[')) return body.split('\n').filter(Boolean).map(parseEvent);
  return (JSON.parse(body) as object[]).map((each) => parseEvent(JSON.stringify(each)));
}

/** Returns the events that the server has accepted, each once. */
function stored(): TrackingEvent[] {
  const events = server.accepted.flatMap(eventsIn);
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

const numbersIn = (request: ReceivedRequest) => eventsIn(request).map(({ data }) => data['number']);

describe('HttpBackend fulfils the backend contract:', () => {
  const outage = {
    begin: async () => server.answerAlways(status(503)),
    end: async () => server.answerAlways(undefined),
  };
  const url = () => `${server.url}/events`;
  const kinds = {
    'with an array of JSON': () => new HttpBackend({ url: url() }),
    'with lines of JSON': () => new HttpBackend({ url: url(), format: 'ndjson' }),
    'with one event for each request': () => new HttpBackend({ url: url(), format: 'single' }),
    'with gzip': () => new HttpBackend({ url: url(), gzipFrom: 1 }),
    'with delivery': () =>
      new DeliveringBackend(new HttpBackend({ url: url() }), {
        flushInterval: 5,
        retry: { minDelay: 5, maxDelay: 20 },
      }),
  };
  for (const [kind, create] of Object.entries(kinds)) {
    describe(kind, () => {
      // Without delivery, `send` starts several requests at once.
      const keepsOrder = kind === 'with delivery';
      for (const { name, run } of backendContract({
        create,
        stored: async () => stored(),
        outage,
        keepsOrder,
      })) {
        it(name, run);
      }
    });
  }
});

describe('Requests of HttpBackend', () => {
  it('are POST requests with an array of JSON', async () => {
    const event = eventOf({ data: { seat: 12 } });
    await backendOf().sendBatch([event]);
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/events',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
    });
    expect(JSON.parse(request!.body)).toEqual([
      { ...event, timestamp: event.timestamp.toISOString() },
    ]);
  });

  it('have the configured method, path, query and headers', async () => {
    const backend = backendOf({
      url: `${server.url}/in?source=app`,
      method: 'PUT',
      headers: { 'X-Api-Key': 'key', 'Content-Type': 'application/vnd.events+json' },
      idempotencyHeader: 'x-request-key',
    });
    await backend.send(eventOf());
    expect(server.requests[0]).toMatchObject({
      method: 'PUT',
      url: '/in?source=app',
      headers: {
        'x-api-key': 'key',
        'content-type': 'application/vnd.events+json',
        'x-request-key': 'one',
      },
    });
    expect(server.requests[0]!.headers).not.toHaveProperty('idempotency-key');
  });

  it('have the same idempotency key when the same events are sent again', async () => {
    const { tracker, emitMany } = tracked();
    server.answer(status(503));
    emitMany(3);
    await tracker.flush();
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    const ids = stored().map(({ id }) => id);
    const expected = createHash('sha256').update(ids.join('\n')).digest('hex').slice(0, 32);
    expect(keys).toEqual([expected, expected]);
  });

  it('contain what body() returns', async () => {
    const backend = backendOf({ body: (events) => ({ batch: events.map(({ id }) => id) }) });
    await backend.sendBatch([eventOf({ id: 'a' }), eventOf({ id: 'b' })]);
    expect(server.requests.map(({ body }) => body)).toEqual(['{"batch":["a","b"]}']);
  });

  it('contain text and bytes of body() unchanged', async () => {
    const text = backendOf({ body: () => 'a=1' });
    const bytes = backendOf({ body: () => new Uint8Array([0, 255]) });
    await text.send(eventOf());
    await bytes.send(eventOf());
    expect(server.requests.map((each) => [...each.bytes])).toEqual([
      [...Buffer.from('a=1')],
      [0, 255],
    ]);
  });

  it('are compressed from the configured length on', async () => {
    const backend = backendOf({ gzipFrom: 1_000 });
    await backend.send(eventOf({ data: { text: 'short' } }));
    await backend.send(eventOf({ data: { text: 'long'.repeat(1_000) } }));
    const [short, long] = server.requests;
    expect(short!.headers).not.toHaveProperty('content-encoding');
    expect(long!.headers).toMatchObject({ 'content-encoding': 'gzip' });
    expect(long!.bytes.byteLength).toBeLessThan(1_000);
    expect(long!.headers['content-length']).toBe(String(long!.bytes.byteLength));
  });

  it('share sockets that stay open, which close() closes', async () => {
    const backend = backendOf();
    for (let count = 0; count < 20; count++) await backend.send(eventOf());
    expect(server.requests).toHaveLength(20);
    expect(server.sockets).toBeLessThanOrEqual(2);
    await backend.close();
    await expect(backend.send(eventOf())).rejects.toBeInstanceOf(RetryableDeliveryError);
  });
});

describe('Batches of HttpBackend', () => {
  it('are divided into requests within maxRequestBytes', async () => {
    const { tracker, emitMany, stats } = tracked({ maxRequestBytes: 1_000 });
    emitMany(50);
    await tracker.flush();
    expect(server.requests.length).toBeGreaterThan(5);
    expect(Math.max(...server.requests.map(({ bytes }) => bytes.byteLength))).toBeLessThanOrEqual(
      1_000,
    );
    expect(server.requests.flatMap(numbersIn)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(stats()).toMatchObject({ delivered: 50, pending: 0, retried: 0 });
  });

  it('lose no event and repeat none, whatever the sizes of events and the limit are', async () => {
    const backends = new Map<string, HttpBackend>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 30 }),
        fc.constantFrom(150, 400, 1_000, 5_000),
        fc.constantFrom('json', 'ndjson', 'single', 'body' as const),
        async (texts, maxRequestBytes, kind) => {
          const key = `${kind} ${maxRequestBytes}`;
          const shape: Partial<HttpBackendOptions> =
            kind === 'body' ? { body: (events) => [...events] } : { format: kind };
          const backend = backends.get(key) ?? backendOf({ maxRequestBytes, ...shape });
          backends.set(key, backend);
          const events = texts.map((text, index) =>
            eventOf({ id: `${index}`, data: { text: wellFormed(text) } }),
          );
          const before = server.requests.length;
          const outcomes = await backend.sendBatch(events);
          const requests = server.requests.slice(before);
          expect(requests.every(({ bytes }) => bytes.byteLength <= maxRequestBytes)).toBe(true);
          const delivered = events.filter((_, index) => outcomes[index]!.ok);
          expect(requests.flatMap(eventsIn)).toEqual(delivered);
          // An event is rejected only if a request with it alone is too large.
          for (const event of events.filter((_, index) => !outcomes[index]!.ok)) {
            const alone = Buffer.byteLength(JSON.stringify(event)) + 2;
            expect(alone).toBeGreaterThan(maxRequestBytes - 2);
          }
          expect(outcomes).toHaveLength(events.length);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reject an event that is above the limit alone, and deliver the others', async () => {
    const { tracker, emitMany, dead, stats } = tracked({ maxRequestBytes: 1_000 });
    emitMany(10, (number) => ({ number, text: number === 4 ? 'x'.repeat(1_000) : '' }));
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 9, dead: 1 });
    expect(dead.events[0]).toMatchObject({
      data: { number: 4 },
      dead_letter: {
        reason: 'rejected',
        error: expect.stringContaining('maxRequestBytes is 1000'),
      },
    });
  });

  it('are halved when the server answers 413, down to the single event that is too large', async () => {
    server.answerAlways((response, { bytes }) =>
      response.writeHead(bytes.byteLength > 700 ? 413 : 200).end(),
    );
    const { tracker, emitMany, dead, stats } = tracked();
    emitMany(16, (number) => ({ number, text: number === 9 ? 'x'.repeat(700) : '' }));
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 15, dead: 1 });
    expect(dead.events.map(({ data }) => data['number'])).toEqual([9]);
    expect(server.accepted.flatMap(numbersIn).sort()).toHaveLength(15);
  });

  it.each([400, 409, 415, 422])(
    'are halved when the server answers %i, until the event to blame is found',
    async (code) => {
      server.answerAlways((response, request) =>
        response.writeHead(numbersIn(request).includes(5) ? code : 200).end('no such course'),
      );
      const { tracker, emitMany, dead, stats } = tracked();
      emitMany(16);
      await tracker.flush();
      expect(stats()).toMatchObject({ delivered: 15, dead: 1 });
      expect(dead.events[0]).toMatchObject({
        data: { number: 5 },
        dead_letter: { error: expect.stringMatching(/answered \d+: no such course/) },
      });
      expect(server.accepted.flatMap(numbersIn).sort()).toHaveLength(15);
    },
  );

  it('find several events to blame in different requests of one batch', async () => {
    server.answerAlways((response, request) => {
      const isBad = numbersIn(request).some((number) => [0, 7, 23].includes(number as number));
      response.writeHead(isBad ? 422 : 200).end();
    });
    const { tracker, emitMany, dead, stats } = tracked({ maxRequestBytes: 700 });
    emitMany(30);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 27, dead: 3 });
    expect(dead.events.map(({ data }) => data['number']).sort()).toEqual([0, 23, 7]);
    const accepted = server.accepted.flatMap(numbersIn);
    expect(accepted).toHaveLength(new Set(accepted).size);
  });

  it.each([401, 403, 404, 405, 410])(
    'are rejected by one request when the server answers %i',
    async (code) => {
      server.answerAlways(status(code));
      const { tracker, emitMany, stats } = tracked();
      emitMany(16);
      await tracker.flush();
      expect(stats()).toMatchObject({ dead: 16, delivered: 0 });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('make progress although their requests take longer than an attempt', async () => {
    server.answerAlways((response) => void setTimeout(() => response.end(), 60));
    const { tracker, emitMany, stats } = tracked(
      { format: 'single', timeout: 200 },
      { timeout: 200 },
    );
    emitMany(10);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 10, pending: 0 });
    const accepted = server.accepted.flatMap(numbersIn);
    expect(accepted).toHaveLength(new Set(accepted).size);
  });
});

describe('Failures of HttpBackend', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('are retried after %i', async (code) => {
    server.answer(status(code), status(code));
    const { tracker, emitMany, stats } = tracked();
    emitMany(3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, retried: 6, dead: 0 });
    expect(server.requests).toHaveLength(3);
  });

  it.each([
    [429, '7', 7_000],
    [503, '0', 0],
    [503, () => new Date(Date.now() + 60_000).toUTCString(), 60_000],
    [503, 'soon', undefined],
  ])('ask for the pause of %i with Retry-After %s', async (code, header, expected) => {
    const retryAfter = typeof header === 'function' ? header() : header;
    server.answer(status(code, { 'retry-after': retryAfter }));
    const error = await backendOf()
      .sendBatch([eventOf()])
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RetryableDeliveryError);
    const { retryAfterMs } = error as RetryableDeliveryError;
    if (expected === undefined) expect(retryAfterMs).toBeUndefined();
    else expect(Math.abs(retryAfterMs! - expected)).toBeLessThan(2_000);
  });

  it.each([301, 302, 303, 307, 308])(
    'include redirects: %i is not followed, and the events are not delivered',
    async (code) => {
      server.answer(status(code, { location: `${server.url}/elsewhere` }));
      await expect(backendOf().send(eventOf())).rejects.toBeInstanceOf(RetryableDeliveryError);
      expect(server.requests.map(({ url }) => url)).toEqual(['/events']);
    },
  );

  it('include a refused connection', async () => {
    const gone = await startHttpServer();
    await gone.stop();
    const backend = backendOf({ url: gone.url });
    await expect(backend.send(eventOf())).rejects.toThrow(/^POST http:\/\/127.*ECONNREFUSED/);
    await expect(backend.send(eventOf())).rejects.toBeInstanceOf(RetryableDeliveryError);
  });

  it.each([
    ['resets the connection', reset],
    [
      'closes the connection in the middle of the response',
      ((response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"ok":');
        setImmediate(() => response.socket?.destroy());
      }) satisfies Parameters<TestHttpServer['answer']>[0],
    ],
    [
      'announces more bytes than it sends',
      ((response) => {
        response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
      }) satisfies Parameters<TestHttpServer['answer']>[0],
    ],
    [
      'does not speak HTTP',
      ((response) => {
        response.socket?.end('220 smtp.example.org ESMTP\r\n');
      }) satisfies Parameters<TestHttpServer['answer']>[0],
    ],
  ])('are retried when the server %s', async (_, answer) => {
    server.answer(answer);
    const { tracker, emitMany, stats } = tracked();
    emitMany(3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, retried: 3, dead: 0, pending: 0 });
    expect(stored()).toHaveLength(3);
  });

  it('lose no event when the server sends more bytes than it announces', async () => {
    server.answer((response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more');
    });
    const { tracker, emitMany, stats } = tracked({}, { batchSize: 1 });
    emitMany(3);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, pending: 0, dead: 0 });
  });

  it('include a server that does not answer in time', async () => {
    server.answer(stall);
    await expect(backendOf({ timeout: 50 }).send(eventOf())).rejects.toThrow(
      'The server did not answer within 50 ms.',
    );
  });

  it('include a server that sends its response byte by byte', async () => {
    server.answer((response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 5);
      response.on('close', () => clearInterval(timer));
    });
    await expect(backendOf({ timeout: 80 }).send(eventOf())).rejects.toBeInstanceOf(
      RetryableDeliveryError,
    );
  });

  it('end a request when the signal aborts', async () => {
    const aborter = new AbortController();
    server.answer(() => aborter.abort(new Error('enough')));
    await expect(backendOf().sendBatch([eventOf()], { signal: aborter.signal })).rejects.toThrow(
      'enough',
    );
    const { signal } = aborter;
    await expect(backendOf().sendBatch([eventOf()], { signal })).rejects.toThrow('enough');
    expect(server.requests).toHaveLength(1);
  });

  it('do not keep close() waiting beyond its deadline', async () => {
    server.answer(stall);
    const backend = backendOf();
    const sent = backend.send(eventOf()).catch((error: unknown) => error);
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await backend.close({ signal: AbortSignal.timeout(20) });
    expect(await sent).toBeInstanceOf(RetryableDeliveryError);
  });

  it('never quote secrets, even if the server does', async () => {
    server.answerAlways((response, { headers, url }) =>
      response.writeHead(403).end(`no access for ${JSON.stringify(headers)} at ${url}`),
    );
    const options: Partial<HttpBackendOptions>[] = [
      { auth: { bearer: 'bearer-secret-1' } },
      { auth: { basic: { username: 'ada', password: 'basic-secret-1' } } },
      { headers: { 'x-key': 'header-secret-1' } },
      { url: `${server.url}/path-secret-1?q=query-secret-1` },
    ];
    for (const each of options) {
      const error = await backendOf(each)
        .send(eventOf())
        .catch((thrown: Error) => thrown);
      expect((error as Error).message).toMatch(/^POST http:.* answered 403: no access/);
      expect((error as Error).message).not.toMatch(/secret-1|YWRhOm/);
    }
  });
});

describe('Responses of HttpBackend', () => {
  it('decide about each event with readResponse', async () => {
    server.answer(status(400, {}, '{"failed":[1],"throttled":[2]}'));
    const readResponse: HttpBackendOptions['readResponse'] = ({ status: code, body }, events) => {
      if (code !== 400) return undefined;
      const { failed, throttled } = JSON.parse(body) as Record<string, number[]>;
      return events.map((_, index): Outcome => {
        if (failed!.includes(index)) return { ok: false, error: 'invalid', retryable: false };
        if (throttled!.includes(index)) return { ok: false, error: 'slow', retryable: true };
        return { ok: true };
      });
    };
    const { tracker, emitMany, dead, stats } = tracked({ readResponse });
    emitMany(4);
    await tracker.flush();
    expect(stats()).toMatchObject({ delivered: 3, dead: 1, retried: 1 });
    expect(dead.events[0]).toMatchObject({ data: { number: 1 } });
    expect(server.requests.map(numbersIn)).toEqual([[0, 1, 2, 3], [2]]);
  });

  it('must be read as one outcome for each event', async () => {
    const readResponse = () => [{ ok: true }] as const;
    await expect(
      backendOf({ readResponse }).sendBatch([eventOf(), eventOf({ id: 'two' })]),
    ).rejects.toThrow(
      'readResponse must return undefined, or one outcome for each of the 2 events; received an array of 1.',
    );
  });

  it('are cut to 1 MiB', async () => {
    server.answer(status(200, {}, 'x'.repeat(3 * 1024 * 1024)));
    let length = 0;
    const backend = backendOf({
      readResponse: ({ body }) => {
        length = body.length;
        return undefined;
      },
    });
    await backend.send(eventOf());
    expect(length).toBe(1024 * 1024);
  });
});

describe('Authorization of HttpBackend', () => {
  it('is basic', async () => {
    await backendOf({ auth: { basic: { username: 'ada', password: 'pässword' } } }).send(eventOf());
    expect(server.requests[0]!.headers.authorization).toBe(
      `Basic ${Buffer.from('ada:pässword').toString('base64')}`,
    );
  });

  it('is a bearer token', async () => {
    await backendOf({ auth: { bearer: 'token' } }).send(eventOf());
    expect(server.requests[0]!.headers.authorization).toBe('Bearer token');
  });

  describe('with client credentials of OAuth 2', () => {
    let issued = 0;
    let valid = new Set<string>();
    let lifetime: number | undefined;

    beforeEach(() => {
      issued = 0;
      valid = new Set();
      lifetime = 3_600;
      server.answerAlways((response, { url, headers }) => {
        if (url === '/token') {
          const token = `token-${++issued}`;
          valid.add(token);
          response.end(JSON.stringify({ access_token: token, expires_in: lifetime }));
        } else {
          const isValid = valid.has(headers.authorization?.replace('Bearer ', '') ?? '');
          response.writeHead(isValid ? 200 : 401).end();
        }
      });
    });

    const backend = () =>
      backendOf({
        auth: {
          oauth2: {
            tokenUrl: `${server.url}/token`,
            clientId: 'client',
            clientSecret: 'a secret',
            scope: 'events:write',
          },
        },
      });
    const tokensOf = () =>
      server.requests
        .filter(({ url }) => url === '/events')
        .map(({ headers }) => headers.authorization);

    it('fetches one token for all requests', async () => {
      const subject = backend();
      await Promise.all([1, 2, 3].map(() => subject.send(eventOf())));
      await subject.send(eventOf());
      expect(issued).toBe(1);
      expect(tokensOf()).toEqual(Array(4).fill('Bearer token-1'));
      const request = server.requests.find(({ url }) => url === '/token')!;
      expect(request.body).toBe('grant_type=client_credentials&scope=events%3Awrite');
      const [, credentials] = request.headers.authorization!.split(' ');
      expect(Buffer.from(credentials!, 'base64').toString()).toBe('client:a+secret');
    });

    it('replaces a token before it expires', async () => {
      const subject = backend();
      vi.useFakeTimers({ toFake: ['performance'] });
      try {
        await subject.send(eventOf());
        vi.advanceTimersByTime(3_500_000);
        await subject.send(eventOf());
        vi.advanceTimersByTime(80_000);
        await subject.send(eventOf());
      } finally {
        vi.useRealTimers();
      }
      expect(tokensOf()).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    });

    it('replaces a token that the server rejects, once for each request', async () => {
      const subject = backend();
      await subject.send(eventOf());
      valid.clear();
      await subject.send(eventOf());
      expect(issued).toBe(2);
      expect(tokensOf()).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
      vi.spyOn(valid, 'has').mockReturnValue(false);
      await expect(subject.send(eventOf())).rejects.toThrow('answered 401');
      expect(issued).toBe(3);
    });

    it('retries events when there is no token, without the secret in its message', async () => {
      server.answerAlways(status(401, {}, '{"error":"invalid_client a secret"}'));
      await expect(backend().send(eventOf())).rejects.toThrow(
        new RetryableDeliveryError(`The token endpoint at ${server.url} answered 401.`),
      );
      server.answerAlways(status(200, {}, '<html>'));
      await expect(backend().send(eventOf())).rejects.toThrow('returned no access_token');
    });
  });
});

describe('HttpBackend.check', () => {
  it('sends a HEAD request, and accepts every answer below 500', async () => {
    server.answer(status(405));
    await backendOf().check();
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD']);
    server.answer(status(502));
    await expect(backendOf().check()).rejects.toThrow('answered a HEAD request with 502');
  });
});

describe('The options of HttpBackend', () => {
  const url = 'https://example.org/events';

  it.each<[unknown, string]>([
    [undefined, 'HttpBackend: options must be an object'],
    [{}, 'HttpBackend: url must be an address'],
    [{ url: 'example.org' }, 'HttpBackend: url must be an address'],
    [{ url: 'ftp://example.org' }, 'HttpBackend: url must be an address'],
    [{ url: 'https://ada:key@example.org' }, 'HttpBackend: url must not contain a user'],
    [{ url, formt: 'json' }, `unknown option 'formt'`],
    [{ url, method: 'GET' }, `HttpBackend: method must be 'POST', 'PUT' or 'PATCH'`],
    [{ url, format: 'xml' }, `HttpBackend: format must be 'json', 'ndjson' or 'single'`],
    [{ url, format: 'ndjson', body: () => '' }, `HttpBackend: format must be 'json' or 'single'`],
    [{ url, body: 'text' }, 'HttpBackend: body must be a function'],
    [{ url, maxRequestBytes: 0 }, 'HttpBackend: maxRequestBytes must be a whole number above 0'],
    [{ url, timeout: '1s' }, 'HttpBackend: timeout must be a whole number above 0'],
    [{ url, headers: ['a'] }, 'HttpBackend: headers must be an object'],
    [{ url, headers: { a: 'b\nc' } }, 'HttpBackend: headers must contain valid headers'],
    [{ url, headers: { 'Content-Length': '1' } }, 'HttpBackend: headers must contain valid'],
    [{ url, idempotencyHeader: 'a b' }, 'HttpBackend: idempotencyHeader must contain valid'],
    [{ url, addresses: 'private' }, `HttpBackend: addresses must be 'any', 'public' or a function`],
    [{ url, auth: 'token' }, 'HttpBackend: auth must be { basic }, { bearer }'],
    [{ url, auth: { bearer: 'token\n' } }, 'HttpBackend: auth.bearer must be a token'],
    [{ url, auth: { basic: { username: 'a' } } }, 'HttpBackend: auth.basic.password must be'],
    [{ url, auth: { oauth2: { clientId: 'a' } } }, 'HttpBackend: auth.oauth2.tokenUrl must be'],
    [{ url, auth: { hmac: { secrets: 'short' } } }, `HttpBackend: secrets must be 'whsec_'`],
    [{ url, auth: { hmac: { secrets: [] } } }, 'HttpBackend: secrets must contain a secret'],
    [
      { url, gzipFrom: 1, auth: { hmac: { secrets: 'whsec_' } } },
      'HttpBackend: gzipFrom must be omitted beside auth.hmac',
    ],
  ])('reject %o', (options, message) => {
    expect(() => new HttpBackend(options as HttpBackendOptions)).toThrow(ImproperlyConfigured);
    expect(() => new HttpBackend(options as HttpBackendOptions)).toThrow(message);
  });

  it('are checked by httpBackend() at once, and by a factory when it has run', async () => {
    expect(() => httpBackend({ url: 'none' })).toThrow('httpBackend: url must be an address');
    expect(() => httpBackend({ url, delivery: { batch: 1 } as DeliveryOptions })).toThrow(
      'httpBackend: delivery: unknown option',
    );
    const { useFactory } = httpBackend({ useFactory: () => ({ url: 'none' }) });
    await expect(useFactory()).rejects.toThrow('HttpBackend: url must be an address');
  });

  it('choose the delivery of the definition', () => {
    expect(httpBackend({ url }).delivery).toEqual({ batchSize: 100, concurrency: 4 });
    expect(httpBackend({ url, format: 'single', delivery: { concurrency: 2 } }).delivery).toEqual({
      batchSize: 1,
      concurrency: 2,
    });
  });
});
