import type { LookupFunction } from 'node:net';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { checkUrl, type HttpAddresses } from './http-backend-options.js';
import { HttpBackend } from './http-backend.js';

/** The options of a {@link WebhookBackend}. */
export interface WebhookBackendOptions {
  /** The address of the endpoint, which a customer may have supplied. */
  url: string | URL;
  /** The secret of the endpoint (`whsec_…`). With several, each message has several signatures, so that a secret can be replaced. */
  secrets: string | readonly string[];
  /**
   * Returns the body of the message about an event. Text and bytes are sent as they are, other values as JSON.
   *
   * @default `{ type, timestamp, data }`, without the context, which is not meant for customers
   */
  body?: (event: TrackingEvent) => unknown;
  /**
   * Headers of each message.
   *
   * @default none
   */
  headers?: Readonly<Record<string, string>>;
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
