import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import { parseRetryAfter } from '../delivery/retry-after.js';
import type { HttpOAuth2 } from './http-backend-options.js';
import { HttpConnection, type ConnectionSettings } from './http-connection.js';
import type { HttpResponse } from './http-response.js';

interface Token {
  readonly value: string;
  /** By the monotonic clock, in milliseconds. */
  readonly expiresAt: number;
}

/** A token is replaced before it expires on its way. */
const MARGIN_MS = 30_000;

/** Fetches a token with client credentials (RFC 6749, section 4.4), and keeps it until it expires. */
export class OAuth2Token {
  readonly #connection: HttpConnection;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;

  constructor(
    private readonly options: HttpOAuth2,
    connection: ConnectionSettings,
  ) {
    this.#connection = new HttpConnection(new URL(options.tokenUrl).origin, connection);
  }

  async headers(): Promise<Record<string, string>> {
    if (this.#token === undefined || performance.now() >= this.#token.expiresAt) {
      // Concurrent requests share one token.
      this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
      this.#token = await this.#fetching;
    }
    return { authorization: `Bearer ${this.#token.value}` };
  }

  renew({ authorization }: Record<string, string>): boolean {
    // Another request may have renewed it already.
    if (authorization === `Bearer ${this.#token?.value}`) this.#token = undefined;
    return true;
  }

  secrets(): readonly string[] {
    const { clientSecret } = this.options;
    return this.#token === undefined ? [clientSecret] : [clientSecret, this.#token.value];
  }

  close(): Promise<void> {
    return this.#connection.abort();
  }

  async #fetch(): Promise<Token> {
    const { tokenUrl, clientId, clientSecret, scope, audience } = this.options;
    const { pathname, search, origin } = new URL(tokenUrl);
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scope !== undefined) form.set('scope', scope);
    if (audience !== undefined) form.set('audience', audience);
    const credentials = [clientId, clientSecret].map(formEncoded).join(':');
    const response = await this.#connection.request({
      method: 'POST',
      path: pathname + search,
      headers: {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: Buffer.from(form.toString()),
      signal: undefined,
    });
    return tokenIn(response, origin);
  }
}

/** RFC 6749, section 2.3.1. */
function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length);
}

/** Events are not responsible for a token that is refused, so that they wait for another one. */
function tokenIn({ status, headers, body }: HttpResponse, origin: string): Token {
  const retryAfterMs = parseRetryAfter(headers['retry-after']);
  if (status !== 200) {
    const message = `The token endpoint at ${origin} answered ${status}.`;
    throw new RetryableDeliveryError(message, { retryAfterMs });
  }
  const { access_token: value, expires_in: seconds } = parsed(body);
  if (typeof value !== 'string' || value === '') {
    throw new RetryableDeliveryError(`The token endpoint at ${origin} returned no access_token.`);
  }
  const lifetime = Number(seconds) > 0 ? Number(seconds) * 1_000 : Infinity;
  const usable = Math.max(lifetime - MARGIN_MS, lifetime / 2);
  return { value, expiresAt: performance.now() + usable };
}

function parsed(body: string): { access_token?: unknown; expires_in?: unknown } {
  try {
    return (JSON.parse(body) as object | null) ?? {};
  } catch {
    return {};
  }
}
