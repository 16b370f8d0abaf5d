import { createHmac } from 'node:crypto';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { describeSecret } from '../core/diagnostics/describe.js';

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** Signs messages as Standard Webhooks defines it, with each secret. */
export class WebhookSigner {
  readonly #keys: readonly Buffer[];

  /** @throws {@link ImproperlyConfigured} for a malformed secret */
  constructor(secrets: string | readonly string[], where: string) {
    const all: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets];
    if (all.length === 0) {
      throw new ImproperlyConfigured(
        `${where}: secrets must contain a secret; received an empty array. Pass the secret of the endpoint.`,
      );
    }
    this.#keys = all.map((secret) => keyOf(secret, where));
  }

  /** Returns the headers that identify, date and sign a message. */
  headers(id: string, body: Uint8Array): Record<string, string> {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signatures = this.#keys.map((key) => {
      const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    });
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    };
  }
}

function keyOf(secret: unknown, where: string): Buffer {
  if (typeof secret === 'string' && secret.startsWith(PREFIX)) {
    const encoded = secret.slice(PREFIX.length);
    const key = Buffer.from(encoded, 'base64');
    const isCanonical = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
    if (isCanonical && key.byteLength >= MIN_BYTES && key.byteLength <= MAX_BYTES) return key;
  }
  throw new ImproperlyConfigured(
    `${where}: secrets must be '${PREFIX}' and ${MIN_BYTES} to ${MAX_BYTES} bytes in base64; ` +
      `received ${describeSecret(secret)}. Create one: '${PREFIX}' + randomBytes(32).toString('base64').`,
  );
}
