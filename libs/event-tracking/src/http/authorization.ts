import { hash } from 'node:crypto';
import type { HttpAuth } from './http-backend-options.js';
import { OAuth2Token } from './oauth2-token.js';
import type { ConnectionSettings } from './http-connection.js';
import { WebhookSigner } from './standard-webhook.js';

/** A request that needs headers of authorization. */
export interface UnauthorizedRequest {
  /** Identifies the events of the request. */
  readonly id: string;
  readonly body: Uint8Array;
}

/** Adds credentials to requests. */
export interface Authorization {
  headers(request: UnauthorizedRequest): Record<string, string> | Promise<Record<string, string>>;
  /** Forgets credentials that the server rejected; returns whether there can be others. */
  renew(rejected: Record<string, string>): boolean;
  /** Current secrets, which messages must not contain. */
  secrets(): readonly string[];
  close(): Promise<void>;
}

/** Creates the authorization of a backend; undefined if it has none. */
export function createAuthorization(
  auth: HttpAuth | undefined,
  where: string,
  connection: ConnectionSettings,
): Authorization | undefined {
  if (auth === undefined) return undefined;
  if ('basic' in auth) {
    const { username, password } = auth.basic;
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    return fixed(`Basic ${credentials}`, [password, credentials]);
  }
  if ('bearer' in auth) return fixed(`Bearer ${auth.bearer}`, [auth.bearer]);
  if ('oauth2' in auth) return new OAuth2Token(auth.oauth2, connection);
  const signer = new WebhookSigner(auth.hmac.secrets, where);
  return {
    headers: ({ id, body }) => signer.headers(id, body),
    renew: () => false,
    secrets: () => [auth.hmac.secrets].flat(),
    close: async () => {},
  };
}

function fixed(authorization: string, secrets: readonly string[]): Authorization {
  return {
    headers: () => ({ authorization }),
    renew: () => false,
    secrets: () => secrets,
    close: async () => {},
  };
}

/** Identifies a request by its events: a repeated request has the same id. */
export function requestId(ids: readonly string[]): string {
  const [first = ''] = ids;
  if (ids.length === 1) return first;
  return hash('sha256', ids.join('\n'), 'hex').slice(0, 32);
}
