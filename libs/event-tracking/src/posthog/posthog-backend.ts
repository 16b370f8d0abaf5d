import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeSecret } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { HttpBackend } from '../http/http-backend.js';
import { checkUrl } from '../http/http-backend-options.js';
import { toPosthogMessage, type PosthogMapping } from './posthog-message.js';

/** The options of a {@link PosthogBackend}. */
export interface PosthogBackendOptions extends PosthogMapping {
  /** The key of the project (`phc_…`). */
  apiKey: string;
  /**
   * The address of PostHog.
   *
   * @default 'https://us.i.posthog.com'
   */
  host?: string;
}

const POSTHOG_KEYS: KeysOf<PosthogBackendOptions> = {
  apiKey: true,
  host: true,
  distinctId: true,
  properties: true,
  personProperties: true,
};

/** PostHog accepts 20 MB. */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
const GZIP_FROM = 1024;

/**
 * Sends events to PostHog.
 *
 * @remarks The event's id is the `uuid`, by which PostHog recognises duplicates; its time is the `timestamp`.
 */
export class PosthogBackend extends HttpBackend {
  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(options: PosthogBackendOptions) {
    checkPosthogOptions(options, 'PosthogBackend');
    const { apiKey, host = 'https://us.i.posthog.com', ...mapping } = options;
    super({
      url: new URL('/batch/', host),
      maxRequestBytes: MAX_REQUEST_BYTES,
      gzipFrom: GZIP_FROM,
      idempotencyHeader: false,
      body: (events) => ({
        api_key: apiKey,
        historical_migration: false,
        batch: events.map((event) => toPosthogMessage(event, mapping)),
      }),
    });
  }
}

/** @throws {@link ImproperlyConfigured} for invalid options */
export function checkPosthogOptions(options: PosthogBackendOptions, where: string): void {
  checkOptions(options, where, POSTHOG_KEYS);
  const { apiKey, host } = options;
  if (typeof apiKey !== 'string' || apiKey === '') {
    throw new ImproperlyConfigured(
      `${where}: apiKey must be the key of a PostHog project (phc_…); received ${describeSecret(apiKey)}.`,
    );
  }
  if (host !== undefined) checkUrl(host, `${where}: host`);
}
