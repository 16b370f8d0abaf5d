import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { describeError, describeValue } from '../core/diagnostics/describe.js';
import {
  EventTrackingError,
  PermanentDeliveryError,
  RetryableDeliveryError,
} from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { VERSION } from '../core/tracker/version.js';
import { endsInTime, untilAborted } from '../core/tree/until-aborted.js';
import { createAuthorization, requestId, type Authorization } from './authorization.js';
import { BlockedAddressError, type AddressCheck } from './guarded-connector.js';
import {
  checkHttpOptions,
  type HttpAddresses,
  type HttpBackendOptions,
} from './http-backend-options.js';
import { HttpConnection } from './http-connection.js';
import { failed, judge, type HttpResponse } from './http-response.js';
import { isPublicAddress } from './public-address.js';
import { packRequests, type BodySettings, type PackedRequest } from './request-body.js';
import { secretsMask } from './secrets-mask.js';

const compress = promisify(gzip);

const DEFAULTS = {
  method: 'POST',
  format: 'json',
  maxRequestBytes: 1024 * 1024,
  connections: 16,
  timeout: 10_000,
  idempotencyHeader: 'idempotency-key',
} as const;

/**
 * Sends events to an HTTP endpoint.
 *
 * @remarks
 * Only a complete 2xx response means delivered; redirects are not followed. Delivery retries
 * outages, timeouts and throttling, and halves batches that the server rejects for one event.
 */
export class HttpBackend implements Backend {
  readonly #connection: HttpConnection;
  readonly #authorization: Authorization | undefined;
  readonly #body: BodySettings;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #method: string;
  readonly #path: string;
  /** Names the endpoint in messages, without its path, which may contain a secret. */
  readonly #target: string;
  readonly #timeout: number;
  readonly #gzipFrom: number;
  readonly #idempotencyHeader: string | undefined;
  readonly #readResponse: HttpBackendOptions['readResponse'];
  readonly #mask: (text: string) => string;
  readonly #calls = new Set<Promise<unknown>>();

  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(options: HttpBackendOptions) {
    const where = new.target.name;
    checkHttpOptions(options, where);
    const { auth, addresses, lookup, headers = {}, body, gzipFrom = Infinity } = options;
    const { method, format, maxRequestBytes, connections, timeout, idempotencyHeader } = {
      ...DEFAULTS,
      ...withoutUndefined(options),
    };
    const { origin, pathname, search } = new URL(options.url);
    const connection = { connections, timeout, lookup, mayDial: addressCheck(addresses) };
    this.#authorization = createAuthorization(auth, where, connection);
    this.#connection = new HttpConnection(origin, connection);
    this.#body = { format, body, maxBytes: maxRequestBytes };
    this.#headers = {
      'content-type': format === 'ndjson' ? 'application/x-ndjson' : 'application/json',
      'user-agent': `nestjs-event-tracking/${VERSION}`,
      ...lowerCased(headers),
    };
    this.#method = method;
    this.#path = pathname + search;
    this.#target = `${method} ${origin}`;
    this.#timeout = timeout;
    this.#gzipFrom = gzipFrom;
    this.#idempotencyHeader = idempotencyHeader === false ? undefined : idempotencyHeader;
    this.#readResponse = options.readResponse;
    this.#mask = secretsMask(headers, search, pathname, this.#authorization);
  }

  async send(event: TrackingEvent): Promise<void> {
    const [outcome] = await this.sendBatch([event]);
    if (outcome?.ok === false) throw outcome.error;
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<readonly Outcome[]> {
    if (events.length === 0) return [];
    const call = this.#sendAll([...events], signal);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Rejects when the server cannot be reached, or answers a HEAD request with 500 or above. */
  async check({ signal }: Deadline = {}): Promise<void> {
    const headers = await this.#authorizedHeaders(EMPTY, 'check');
    const { status } = await this.#connection.request({
      method: 'HEAD',
      path: this.#path,
      headers,
      body: null,
      signal,
    });
    if (status >= 500 && status !== 501) {
      throw new RetryableDeliveryError(`${this.#target} answered a HEAD request with ${status}.`);
    }
  }

  /** Resolves when the requests that are under way have ended. */
  async flush({ signal }: Deadline = {}): Promise<void> {
    await untilAborted(Promise.allSettled(this.#calls), signal);
  }

  /** Flushes and closes the sockets. Cuts off requests that are under way when the signal aborts. */
  async close({ signal }: Deadline = {}): Promise<void> {
    const closed = Promise.allSettled(this.#calls).then(() => this.#connection.close());
    if (!(await endsInTime(closed, signal))) await this.#connection.abort();
    await this.#authorization?.close();
  }

  /** Sends one request after the other, up to the first that fails for a reason which may affect the others. */
  async #sendAll(
    events: readonly TrackingEvent[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const startedAt = performance.now();
    try {
      for (const request of packRequests(events, this.#body)) {
        if (outcomes.length > 0 && performance.now() - startedAt > this.#timeout / 2) {
          // An attempt that ends in a timeout would repeat all its requests, again and again.
          throw new RetryableDeliveryError('The other requests of the batch took too long.');
        }
        outcomes.push(...(await this.#sendOne(request, signal)));
      }
    } catch (error) {
      signal?.throwIfAborted();
      // Delivery sends the halves of a batch only if nobody knows anything about its events.
      if (outcomes.length === 0) throw error;
      return withRest(outcomes, events.length, error);
    }
    return outcomes;
  }

  /** Resolves to one outcome for each event of a request. */
  async #sendOne(
    request: PackedRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome[]> {
    const { events } = request;
    if (request.isTooLarge) return [this.#tooLarge(request)];
    let response: HttpResponse;
    try {
      response = await this.#exchange(request, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BlockedAddressError) return sameOutcome(events, asPermanent(error));
      throw this.#classified(error);
    }
    const read = this.#readResponse?.(response, events);
    if (read !== undefined) return checkedOutcomes(read, events.length);
    const { outcome, mayConcernOneEvent } = judge(response, this.#target, this.#mask);
    if (!outcome.ok && (outcome.retryable || (mayConcernOneEvent && events.length > 1))) {
      throw outcome.error;
    }
    return events.map(() => outcome);
  }

  /** Sends a request; once more with other credentials if the server rejects these. */
  async #exchange(
    { events, body }: PackedRequest,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const id = requestId(events.map((event) => event.id));
    const isCompressed = body.byteLength >= this.#gzipFrom;
    const sent = isCompressed ? await compress(body) : body;
    const own: Record<string, string> = {};
    if (isCompressed) own['content-encoding'] = 'gzip';
    if (this.#idempotencyHeader !== undefined) own[this.#idempotencyHeader] = id;
    const exchange = async (): Promise<[HttpResponse, Record<string, string>]> => {
      const headers = { ...(await this.#authorizedHeaders(body, id)), ...own };
      const request = { method: this.#method, path: this.#path, headers, body: sent, signal };
      return [await this.#connection.request(request), headers];
    };
    const [response, headers] = await exchange();
    if (response.status !== 401 || this.#authorization?.renew(headers) !== true) return response;
    return (await exchange())[0];
  }

  async #authorizedHeaders(body: Uint8Array, id: string): Promise<Record<string, string>> {
    if (this.#authorization === undefined) return { ...this.#headers };
    return { ...this.#headers, ...(await this.#authorization.headers({ id, body })) };
  }

  /** Errors of the network, of TLS and of the protocol are retryable. */
  #classified(error: unknown): unknown {
    if (error instanceof EventTrackingError || isMisuse(error)) return error;
    const reason = this.#mask(describeError(error));
    return new RetryableDeliveryError(`${this.#target} failed: ${reason}.`, { cause: error });
  }

  #tooLarge({ body }: PackedRequest): Outcome {
    return failed(
      new PermanentDeliveryError(
        `A request with the event alone has ${body.byteLength} bytes; maxRequestBytes is ${this.#body.maxBytes}.`,
      ),
    );
  }
}

const EMPTY = new Uint8Array();

/** Whether an error tells of a wrong call, which no other attempt mends. */
function isMisuse(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof TypeError || code === 'UND_ERR_INVALID_ARG';
}

function addressCheck(addresses: HttpAddresses = 'any'): AddressCheck | undefined {
  if (typeof addresses === 'function') return addresses;
  return addresses === 'public' ? isPublicAddress : undefined;
}

function asPermanent(error: EventTrackingError): Outcome {
  return failed(new PermanentDeliveryError(error.message, { cause: error }));
}

function sameOutcome(events: readonly TrackingEvent[], outcome: Outcome): readonly Outcome[] {
  return events.map(() => outcome);
}

/** Leaves events to another attempt: their own request failed, or none was sent. */
function withRest(outcomes: readonly Outcome[], count: number, error: unknown): readonly Outcome[] {
  const retryAfterMs = error instanceof RetryableDeliveryError ? error.retryAfterMs : undefined;
  const rest: Outcome = {
    ok: false,
    error,
    retryable: true,
    ...(retryAfterMs && { retryAfterMs }),
  };
  return [...outcomes, ...Array.from({ length: count - outcomes.length }, () => rest)];
}

function checkedOutcomes(outcomes: readonly Outcome[], count: number): readonly Outcome[] {
  if (Array.isArray(outcomes) && outcomes.length === count) return outcomes;
  throw new TypeError(
    `readResponse must return undefined, or one outcome for each of the ${count} events; ` +
      `received ${describeValue(outcomes)}.`,
  );
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function withoutUndefined(options: HttpBackendOptions): Partial<HttpBackendOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
