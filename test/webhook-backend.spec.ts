import { createHmac, randomBytes } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import {
  DeliveringBackend,
  MemoryBackend,
  parseEvent,
  PermanentDeliveryError,
  Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import {
  HttpBackend,
  isPublicAddress,
  WebhookBackend,
  webhookBackend,
  type WebhookBackendOptions,
} from 'nestjs-event-tracking/http';
import { backendContract } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startHttpServer, status, type TestHttpServer } from './services/http-server.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER_SECRET = `whsec_${randomBytes(32).toString('base64')}`;

let server: TestHttpServer;
let backends: HttpBackend[] = [];

beforeEach(async () => {
  server = await startHttpServer();
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(backends.map((backend) => backend.close({ signal: AbortSignal.abort() })));
  backends = [];
  await server.stop();
});

function kept<Subject extends HttpBackend>(backend: Subject): Subject {
  backends.push(backend);
  return backend;
}

/** Allows the local server of the test. */
const LOCAL = { allowHttp: true, addresses: 'any' } as const;

const webhook = (options: Partial<WebhookBackendOptions> = {}) =>
  kept(new WebhookBackend({ url: `${server.url}/hooks`, secrets: SECRET, ...LOCAL, ...options }));

const eventOf = (parts: Partial<TrackingEvent> = {}): TrackingEvent => ({
  id: 'msg_one',
  name: 'order.paid',
  timestamp: new Date('2026-01-02T03:04:05.678Z'),
  context: { user_id: 7 },
  data: { total: 12 },
  ...parts,
});

/** Resolves each host name to the next of the answers, and repeats the last one. */
function lookupOf(...answers: (string | LookupAddress[])[]): LookupFunction {
  return (_host, options, callback) => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    const found = typeof answer === 'string' ? [{ address: answer, family: 4 }] : answer;
    if (options.all === true) callback(null, found);
    else callback(null, found[0]!.address, found[0]!.family);
  };
}

describe('WebhookBackend fulfils the backend contract', () => {
  for (const { name, run } of backendContract({
    create: () => webhook({ body: (event) => event }),
    stored: async () => {
      const events = server.accepted.map(({ body }) => parseEvent(body));
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

describe('Messages of WebhookBackend', () => {
  it('contain type, time and data of an event, without its context', async () => {
    await webhook().send(eventOf());
    expect(server.requests.map(({ body }) => body)).toEqual([
      '{"type":"order.paid","timestamp":"2026-01-02T03:04:05.678Z","data":{"total":12}}',
    ]);
  });

  it('have the signature of the example that Standard Webhooks publishes', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_614_265_330_000 });
    await webhook({ body: () => '{"test": 2432232314}' }).send(
      eventOf({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' }),
    );
    expect(server.requests[0]!.headers).toMatchObject({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('have a signature for each secret, so that a secret can be replaced', async () => {
    await webhook({ secrets: [OTHER_SECRET, SECRET] }).send(eventOf());
    const { headers, bytes } = server.requests[0]!;
    const expected = [OTHER_SECRET, SECRET].map((secret) => {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.`;
      return `v1,${createHmac('sha256', key).update(signed).update(bytes).digest('base64')}`;
    });
    expect(headers['webhook-signature']).toBe(expected.join(' '));
  });

  it('keep their id when they are sent again', async () => {
    server.answer(status(500));
    const retry = { minDelay: 1, maxDelay: 5 };
    const tracker = new Tracker({
      backends: { hook: new DeliveringBackend(webhook(), { retry }) },
      logger: { warn() {}, error() {} },
    });
    tracker.emit('order.paid');
    tracker.emit('order.paid');
    await tracker.flush();
    const ids = server.requests.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(2);
    expect(server.accepted).toHaveLength(2);
  });

  it('are not sent to the target of a redirect', async () => {
    server.answer(status(307, { location: `${server.url}/internal` }));
    await expect(webhook().send(eventOf())).rejects.toThrow('answered 307');
    expect(server.requests.map(({ url }) => url)).toEqual(['/hooks']);
  });

  it('can also be signed by HttpBackend, several events in one', async () => {
    const backend = kept(new HttpBackend({ url: server.url, auth: { hmac: { secrets: SECRET } } }));
    await backend.sendBatch([eventOf({ id: 'a' }), eventOf({ id: 'b' })]);
    const { headers, bytes } = server.requests[0]!;
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const signed = `${headers['idempotency-key'] as string}.${headers['webhook-timestamp'] as string}.`;
    const signature = createHmac('sha256', key).update(signed).update(bytes).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  });
});

describe('WebhookBackend connects to', () => {
  const guarded = (url: string, lookup?: LookupFunction) =>
    webhook({ url, addresses: 'public', lookup });

  it.each([
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '169.254.169.254',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '10.0.0.1',
  ])('no address such as %s, in whatever form it is written', async (host) => {
    const backend = guarded(`http://${host}:${server.port}/hooks`);
    await expect(backend.send(eventOf())).rejects.toBeInstanceOf(PermanentDeliveryError);
    await expect(backend.send(eventOf())).rejects.toThrow('has no address that the backend may');
    expect(server.sockets).toBe(0);
  });

  it('no name that resolves to such an address', async () => {
    for (const lookup of [
      undefined,
      lookupOf('127.0.0.1'),
      lookupOf([{ address: '::1', family: 6 }]),
    ]) {
      const backend = guarded(`http://localhost:${server.port}/hooks`, lookup);
      await expect(backend.send(eventOf())).rejects.toThrow(
        'localhost has no address that the backend may connect to',
      );
    }
    expect(server.sockets).toBe(0);
  });

  it('no name that resolves to a private address only when the connection is made', async () => {
    const allowed = new Set(['203.0.113.9', '127.0.0.1']);
    // The name resolves to the server first, and to another address later.
    const lookup = vi.fn<LookupFunction>(lookupOf('127.0.0.1', '127.0.0.2'));
    const backend = webhook({
      url: `http://rebind.example.org:${server.port}/hooks`,
      addresses: (address) => allowed.has(address),
      lookup,
    });
    server.answer((response) => response.writeHead(200, { connection: 'close' }).end());
    await backend.send(eventOf());
    expect(server.accepted).toHaveLength(1);
    await expect(backend.send(eventOf({ id: 'two' }))).rejects.toThrow(
      'rebind.example.org has no address that the backend may connect to',
    );
    expect(server.accepted).toHaveLength(1);
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  it('only the allowed ones of several addresses', async () => {
    const backend = webhook({
      url: `http://both.example.org:${server.port}/hooks`,
      addresses: (address) => address === '127.0.0.1',
      lookup: lookupOf([
        { address: '127.0.0.9', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
    });
    await backend.send(eventOf());
    expect(server.accepted).toHaveLength(1);
  });

  it('no blocked address: delivery rejects such events and does not retry', async () => {
    const dead = new MemoryBackend();
    const hook = new DeliveringBackend(guarded(server.url), { deadLetter: dead });
    const tracker = new Tracker({ backends: { hook }, logger: { warn() {}, error() {} } });
    tracker.emit('order.paid');
    tracker.emit('order.paid');
    await tracker.flush();
    expect(dead.events).toHaveLength(2);
    expect(tracker.stats().backends['hook']).toMatchObject({ dead: 2, retried: 0 });
  });
});

const RESERVED = `
  0.0.0.0 0.1.2.3 10.255.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.255 168.63.129.16
  169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1
  198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1
  ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1
  2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 100::1
`;
const PUBLIC = `
  1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.0.1 198.17.0.1
  223.255.255.255 2606:4700:4700::1111 2a00:1450:4001:80b::200e 2001:4860:4860::8888
`;
const addressesIn = (text: string) => text.trim().split(/\s+/);

describe('isPublicAddress', () => {
  it.each([...addressesIn(RESERVED), 'localhost', ''])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(addressesIn(PUBLIC))('accepts %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('The options of WebhookBackend', () => {
  const url = 'https://customer.example.com/hooks';

  it.each<[unknown, string]>([
    [{}, 'WebhookBackend: url must be an address'],
    [{ url: 'http://a.org', secrets: SECRET }, 'WebhookBackend: url must begin with https:'],
    [{ url, secrets: SECRET, format: 'json' }, `unknown option 'format'`],
    [{ url, secrets: SECRET, body: {} }, 'WebhookBackend: body must be a function'],
    [{ url }, `WebhookBackend: secrets must be 'whsec_'`],
    [{ url, secrets: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }, `secrets must be 'whsec_'`],
    [{ url, secrets: 'whsec_c2hvcnQ=' }, `secrets must be 'whsec_'`],
    [{ url, secrets: 'whsec_no base 64 at all, but long enough' }, `secrets must be 'whsec_'`],
    [{ url, secrets: [] }, 'secrets must contain a secret'],
  ])('reject %o', (options, message) => {
    expect(() => new WebhookBackend(options as WebhookBackendOptions)).toThrow(message);
  });

  it('are never quoted when they are secret', () => {
    const secrets = 'whsec_dG9vIHNob3J0';
    expect(() => new WebhookBackend({ url, secrets })).toThrow(
      'received a string of 18 characters',
    );
  });

  it('are checked by webhookBackend(), which sends eight requests at once', () => {
    expect(() => webhookBackend({ url: 'http://a.org', secrets: SECRET })).toThrow(
      'webhookBackend: url must begin with https:',
    );
    expect(webhookBackend({ url, secrets: SECRET }).delivery).toEqual({
      batchSize: 1,
      concurrency: 8,
    });
  });
});
