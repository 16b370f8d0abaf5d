import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { checkUrl, type HttpAddresses, type HttpBackendOptions } from './http-backend-options.js';
import { HttpBackend } from './http-backend.js';

/** The options of a {@link WebhookBackend}. The address may be one that a customer supplied. */
export interface WebhookBackendOptions extends Pick<
  HttpBackendOptions,
  'url' | 'headers' | 'lookup' | 'connections' | 'timeout'
> {
  /** The secret of the endpoint (`whsec_…`), or several: then each message has several signatures. */
  secrets: string | readonly string[];
  /**
   * Returns the message about an event. Text and bytes are sent as they are, other values as JSON.
   *
   * @default `{ type, timestamp, data }`, without the context, which is not meant for customers
   */
  body?: (event: TrackingEvent) => unknown;
  /**
   * Whether the address may begin with `http:`.
   *
   * @default false
   */
  allowHttp?: boolean;
  /**
   * The addresses that the backend may connect to, checked when the connection is made.
   *
   * @default 'public'
   */
  addresses?: HttpAddresses;
}

const WEBHOOK_KEYS: KeysOf<WebhookBackendOptions> = {
  url: true,
  secrets: true,
  body: true,
  headers: true,
  allowHttp: true,
  addresses: true,
  lookup: true,
  connections: true,
  timeout: true,
};

/**
 * Sends each event to an endpoint as a signed message (Standard Webhooks).
 *
 * @remarks
 * The event's id is the `webhook-id`, by which receivers recognise duplicates. The backend connects to public addresses only,
 * whatever the name of the host resolves to, and follows no redirects.
 */
export class WebhookBackend extends HttpBackend {
  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(options: WebhookBackendOptions) {
    checkWebhookOptions(options, 'WebhookBackend');
    const { secrets, body = messageOf, allowHttp: _, addresses = 'public', ...rest } = options;
    super({
      ...rest,
      addresses,
      auth: { hmac: { secrets } },
      format: 'single',
      body: ([event]) => body(event!),
      idempotencyHeader: false,
    });
  }
}

function messageOf({ name, timestamp, data }: TrackingEvent): object {
  return { type: name, timestamp, data };
}

/** @throws {@link ImproperlyConfigured} for unknown options and addresses that are not allowed */
export function checkWebhookOptions(options: WebhookBackendOptions, where: string): void {
  checkOptions(options, where, WEBHOOK_KEYS);
  const { url, body, allowHttp } = options;
  checkUrl(url, `${where}: url`);
  if (body !== undefined && typeof body !== 'function') {
    throw new ImproperlyConfigured(
      `${where}: body must be a function; received ${describeValue(body)}.`,
    );
  }
  if (allowHttp === true || new URL(url).protocol === 'https:') return;
  throw new ImproperlyConfigured(
    `${where}: url must begin with https:; received an address of ${new URL(url).host} with http:. ` +
      `Pass allowHttp: true in development.`,
  );
}
