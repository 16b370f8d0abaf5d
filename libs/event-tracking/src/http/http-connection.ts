import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import { createConnector, type AddressCheck } from './guarded-connector.js';
import type { HttpResponse } from './http-response.js';

/** How a connection is made and how long it may take. */
export interface ConnectionSettings {
  /** The greatest number of sockets. */
  readonly connections: number;
  /** How long a request may take, in milliseconds. */
  readonly timeout: number;
  readonly mayDial: AddressCheck | undefined;
  readonly lookup: LookupFunction | undefined;
}

/** One request to the origin of an {@link HttpConnection}. */
export interface HttpRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly signal: AbortSignal | undefined;
}

/** A response that is longer is cut: nobody reads megabytes of acknowledgement. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Sends requests to one origin through a pool of sockets of its own. */
export class HttpConnection {
  readonly #pool: Pool;
  readonly #timeout: number;

  constructor(origin: string, { connections, timeout, mayDial, lookup }: ConnectionSettings) {
    this.#timeout = timeout;
    this.#pool = new Pool(origin, {
      connections,
      connect: createConnector({ mayDial, lookup, timeout }),
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
  }

  /** Resolves to the response once it has arrived completely; redirects are not followed. */
  async request({ signal, ...request }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted();
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => ended.abort(this.#tooSlow()), this.#timeout);
    timer.unref();
    try {
      const response = await this.#pool.request({
        ...request,
        method: request.method as 'POST',
        signal: ended.signal,
      });
      return {
        status: response.statusCode,
        headers: flat(response.headers),
        body: await textOf(response.body),
      };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Waits for open requests and closes the sockets. */
  async close(): Promise<void> {
    if (!this.#pool.closed) await this.#pool.close();
  }

  /** Cuts off open requests and closes the sockets. */
  async abort(): Promise<void> {
    if (!this.#pool.destroyed) await this.#pool.destroy();
  }

  #tooSlow(): Error {
    return new RetryableDeliveryError(`The server did not answer within ${this.#timeout} ms.`);
  }
}

/** Rejects unless the body has ended by itself, or is longer than anybody needs. */
function textOf(body: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const end = (): void =>
      resolve(Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES).toString());
    // Listeners cost half as much as an asynchronous iterator.
    body.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length <= MAX_RESPONSE_BYTES) return;
      end();
      body.destroy(); // closes the socket
    });
    body.once('end', end);
    body.once('error', reject);
    body.once('close', () => reject(new Error('The connection ended before the response did.')));
  });
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}
