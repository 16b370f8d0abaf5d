import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { LookupFunction } from 'node:net';
import * as undici from 'undici';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { checkPeerVersion } from '../core/diagnostics/check-peer-version.js';
import { describeSecret, describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isPlainObject } from '../core/event/event.js';
import type { Outcome } from '../core/tree/backend.js';
import type { HttpResponse } from './http-response.js';
import type { HttpBody, HttpFormat } from './request-body.js';

/** The client credentials of OAuth 2. */
export interface HttpOAuth2 {
  /** The address that issues tokens. */
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** The requested scope; the server's if absent. */
  scope?: string;
  /** The requested audience, for servers that need one. */
  audience?: string;
}

/** How requests are authorized. */
export type HttpAuth =
  | { basic: { username: string; password: string } }
  | { bearer: string }
  /** Fetches a token, keeps it until it expires, and fetches another one when the server answers 401. */
  | { oauth2: HttpOAuth2 }
  /** Signs each request as Standard Webhooks defines it, with each of the secrets (`whsec_…`). */
  | { hmac: { secrets: string | readonly string[] } };

/** Which IP addresses a backend may connect to. */
export type HttpAddresses = 'any' | 'public' | ((address: string) => boolean);

/** The options of an {@link HttpBackend}. */
export interface HttpBackendOptions {
  /** The address that receives the events. */
  url: string | URL;
  /**
   * The method of the requests.
   *
   * @default 'POST'
   */
  method?: 'POST' | 'PUT' | 'PATCH';
  /** Further headers of each request. */
  headers?: Readonly<Record<string, string>>;
  /**
   * How a request contains its events: as an array of JSON, as lines of JSON, or one event each.
   *
   * @default 'json'
   */
  format?: HttpFormat;
  /**
   * Returns the body of a request. Text and bytes are sent as they are, other values as JSON.
   *
   * @remarks It must accept any number of events; with `format: 'single'`, it receives one.
   * @default the body that `format` describes
   */
  body?: HttpBody;
  /**
   * The longest body of a request in bytes, before compression. Longer batches are divided.
   *
   * @default 1 MiB
   */
  maxRequestBytes?: number;
  /** The length in bytes from which bodies are compressed with gzip; if absent, none is. */
  gzipFrom?: number;
  /** How requests are authorized, if at all. */
  auth?: HttpAuth;
  /**
   * The header that contains the same key when the same events are sent again; false sends none.
   *
   * @default 'idempotency-key'
   */
  idempotencyHeader?: string | false;
  /**
   * Reads the outcome of each event from a response; undefined leaves the decision to the status.
   *
   * @default the status decides
   */
  readResponse?: (
    response: HttpResponse,
    events: readonly TrackingEvent[],
  ) => readonly Outcome[] | undefined;
  /**
   * The addresses that the backend may connect to, checked when the connection is made.
   *
   * @default 'any'
   */
  addresses?: HttpAddresses;
  /**
   * Resolves host names.
   *
   * @default the system's resolver
   */
  lookup?: LookupFunction;
  /**
   * The greatest number of sockets.
   *
   * @default 16
   */
  connections?: number;
  /**
   * How long a request may take, in milliseconds.
   *
   * @default 10,000
   */
  timeout?: number;
}

/** The keys of all options. */
export const HTTP_KEYS: KeysOf<HttpBackendOptions> = {
  url: true,
  method: true,
  headers: true,
  format: true,
  body: true,
  maxRequestBytes: true,
  gzipFrom: true,
  auth: true,
  idempotencyHeader: true,
  readResponse: true,
  addresses: true,
  lookup: true,
  connections: true,
  timeout: true,
};

const METHODS: readonly unknown[] = ['POST', 'PUT', 'PATCH'];
const FORMATS: readonly unknown[] = ['json', 'ndjson', 'single'];
/** Headers that the client writes. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** @throws {@link ImproperlyConfigured} for invalid options or an unsupported version of undici */
export function checkHttpOptions(options: HttpBackendOptions, where: string): void {
  checkUndici(where);
  checkOptions(options, where, HTTP_KEYS);
  const { url, method, headers, format, body, gzipFrom, auth, idempotencyHeader } = options;
  checkUrl(url, `${where}: url`);
  expectOption(method, METHODS.includes(method), `${where}: method`, `'POST', 'PUT' or 'PATCH'`);
  expectOption(
    format,
    FORMATS.includes(format),
    `${where}: format`,
    `'json', 'ndjson' or 'single'`,
  );
  for (const key of ['body', 'readResponse', 'lookup'] as const) {
    expectOption(
      options[key],
      typeof options[key] === 'function',
      `${where}: ${key}`,
      'a function',
    );
  }
  for (const key of ['maxRequestBytes', 'gzipFrom', 'connections', 'timeout'] as const) {
    const value = options[key];
    const isCount = Number.isSafeInteger(value) && (value as number) > 0;
    expectOption(value, isCount, `${where}: ${key}`, 'a whole number above 0');
  }
  if (body !== undefined && format === 'ndjson') {
    throw new ImproperlyConfigured(
      `${where}: format must be 'json' or 'single' beside body; received 'ndjson'. Omit it: body() returns the whole text.`,
    );
  }
  checkHeaders(headers, `${where}: headers`);
  if (idempotencyHeader !== false && idempotencyHeader !== undefined) {
    checkHeaders({ [idempotencyHeader]: 'key' }, `${where}: idempotencyHeader`);
  }
  checkAddresses(options.addresses, `${where}: addresses`);
  checkAuth(auth, `${where}: auth`);
  if (auth !== undefined && 'hmac' in auth && gzipFrom !== undefined) {
    throw new ImproperlyConfigured(
      `${where}: gzipFrom must be omitted beside auth.hmac; received ${gzipFrom}. ` +
        `Receivers decompress a body before they verify its signature.`,
    );
  }
}

/** undici does not export its version, but versions 7 and later export a store for caches. */
function checkUndici(where: string): void {
  const version = 'cacheStores' in undici ? undefined : '6 or older';
  checkPeerVersion(where, { name: 'undici', version, supported: [7, 8] });
}

/** @throws {@link ImproperlyConfigured} unless the value is an address of HTTP without credentials */
export function checkUrl(value: unknown, where: string): void {
  const text = value instanceof URL ? value.href : value;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ImproperlyConfigured(
      `${where} must be an address such as 'https://example.org/events'; received ${describeSecret(value)}.`,
    );
  }
  if (url.username === '' && url.password === '') return;
  throw new ImproperlyConfigured(
    `${where} must not contain a user or password; received one for ${url.host}. Use auth: { basic: { username, password } }.`,
  );
}

function checkHeaders(headers: unknown, where: string): void {
  if (headers === undefined) return;
  if (!isPlainObject(headers)) {
    throw new ImproperlyConfigured(
      `${where} must be an object of names and values; received ${describeValue(headers)}.`,
    );
  }
  for (const [name, value] of Object.entries(headers)) {
    if (isHeader(name, value)) continue;
    throw new ImproperlyConfigured(
      `${where} must contain valid headers that the client does not write itself; received '${name}' with ` +
        `${describeSecret(value)}.`,
    );
  }
}

function isHeader(name: string, value: unknown): value is string {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
    return typeof value === 'string' && !OWN_HEADERS.has(name.toLowerCase());
  } catch {
    return false;
  }
}

function checkAddresses(addresses: unknown, where: string): void {
  const isValid = addresses === 'any' || addresses === 'public' || typeof addresses === 'function';
  expectOption(addresses, isValid, where, `'any', 'public' or a function`);
}

const AUTH_KEYS: Readonly<Record<string, readonly string[]>> = {
  basic: ['username', 'password'],
  bearer: [],
  oauth2: ['tokenUrl', 'clientId', 'clientSecret'],
  hmac: ['secrets'],
};

function checkAuth(auth: unknown, where: string): void {
  if (auth === undefined) return;
  const [kind, ...others] = isPlainObject(auth) ? Object.keys(auth) : [];
  const required = kind === undefined ? undefined : AUTH_KEYS[kind];
  if (kind === undefined || required === undefined || others.length > 0) {
    throw new ImproperlyConfigured(
      `${where} must be { basic }, { bearer }, { oauth2 } or { hmac }; received ${describeValue(auth)}.`,
    );
  }
  const value = (auth as Record<string, unknown>)[kind];
  if (kind === 'bearer') {
    expectToken(value, `${where}.bearer`);
    return;
  }
  if (!isPlainObject(value)) {
    throw new ImproperlyConfigured(
      `${where}.${kind} must be { ${required.join(', ')} }; received ${describeSecret(value)}.`,
    );
  }
  if (kind === 'hmac') return; // the signer checks its secrets
  for (const key of required) expectText(value[key], `${where}.${kind}.${key}`);
  if (kind === 'oauth2') checkUrl(value['tokenUrl'], `${where}.oauth2.tokenUrl`);
}

function expectText(value: unknown, where: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw new ImproperlyConfigured(
    `${where} must be a non-empty string; received ${describeSecret(value)}.`,
  );
}

/** A token with a line break, as files end with one, would make every request fail. */
function expectToken(value: unknown, where: string): void {
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return;
  throw new ImproperlyConfigured(
    `${where} must be a token of printable characters without spaces; received ${describeSecret(value)}.`,
  );
}

function expectOption(value: unknown, isValid: boolean, where: string, expected: string): void {
  if (value === undefined || isValid) return;
  throw new ImproperlyConfigured(`${where} must be ${expected}; received ${describeValue(value)}.`);
}
