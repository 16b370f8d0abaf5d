import { FetchHTTPClient } from '@segment/analytics-node';
import type {
  Context,
  HTTPClient,
  HTTPClientRequest,
  HTTPFetchFn,
  HTTPResponse,
} from '@segment/analytics-node';
import { parseRetryAfter } from '../delivery/retry-after.js';
import type { Outcome } from '../core/tree/backend.js';
import { NoBackendEnabled, RetryableDeliveryError } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** An answer of Segment that does not acknowledge the messages. */
export class SegmentResponseError extends Error {
  override readonly name = 'SegmentResponseError';

  constructor(
    readonly status: number,
    readonly retryAfterMs?: number,
  ) {
    super(`Segment answered ${status}`);
  }
}

/** Throws unless Segment's API has accepted the messages, so that delivery learns of every other answer. */
export class StrictHttpClient implements HTTPClient {
  constructor(private readonly client: HTTPClient = new FetchHTTPClient(fetchWithoutRedirects)) {}

  async makeRequest(request: HTTPClientRequest): Promise<HTTPResponse> {
    const response = await this.client.makeRequest(request);
    const { status } = response;
    if (status < 200 || status >= 300) {
      throw new SegmentResponseError(status, parseRetryAfter(headerOf(response, 'retry-after')));
    }
    // A page comes from a proxy or a portal on the way, not from the API.
    if (/\bhtml\b/i.test(headerOf(response, 'content-type') ?? '')) {
      throw new RetryableDeliveryError('Segment answered with a page instead of JSON');
    }
    return response;
  }
}

/** The page behind a redirect would pass for an acknowledgement. */
const fetchWithoutRedirects: HTTPFetchFn = (url, init) =>
  fetch(url, { ...(init as RequestInit), redirect: 'manual' });

/** Redirects, and answers that can change: too early, too many, too slow, and errors of the server. */
const RETRYABLE_STATUS = /^(?:3\d\d|408|410|425|429|460|5(?!01|05|11)\d\d)$/;
/** Answers that a single message of the batch can cause. */
const MESSAGE_STATUS = new Set([400, 413, 422]);

const DELIVERED: Outcome = { ok: true };
/** The outcome of a message that the client could not write as JSON. */
export const UNWRITABLE: Outcome = {
  ok: false,
  error: new Error("Segment's client cannot write the event as JSON"),
  retryable: false,
};
/** The outcome of a message that comes too late. It may return to a queue that outlives the client. */
export const CLOSED: Outcome = {
  ok: false,
  error: new Error("Segment's client has been closed"),
  retryable: true,
};

/** Returns the outcome of a message that the client calls tracked, even when it failed to add the message to a batch. */
export function outcomeOf(context: Partial<Context>): Outcome {
  const failed = context
    .logs?.()
    .some(({ level, extras }) => level === 'error' && extras?.['plugin'] === 'Segment.io');
  return failed === true ? UNWRITABLE : DELIVERED;
}

/** Classifies the reason for which the client gave a message up. */
export function classifyFailure(reason: unknown): Outcome & { ok: false } {
  if (isCancellation(reason)) {
    const error = new NoBackendEnabled(`A plugin of Segment's client dropped it: ${reason.reason}`);
    return { ok: false, error, retryable: false };
  }
  const error = reason instanceof Error ? reason : new Error(String(reason ?? 'without a reason'));
  const status = statusOf(error);
  if (status !== undefined) {
    const retryAfterMs = error instanceof SegmentResponseError ? error.retryAfterMs : undefined;
    return { ok: false, error, retryable: RETRYABLE_STATUS.test(String(status)), retryAfterMs };
  }
  return { ok: false, error, retryable: !IS_ABOUT_MESSAGE.test(error.message) };
}

/** Whether a plugin of the client dropped the message with `context.cancel()`. */
function isCancellation(reason: unknown): reason is { reason: string } {
  return (
    isPlainObject(reason) && !(reason instanceof Error) && typeof reason['reason'] === 'string'
  );
}

/** Whether a single message can have caused the failure of a whole batch. */
export function mayConcernOneMessage({ error }: { error: unknown }): boolean {
  return error instanceof Error && MESSAGE_STATUS.has(statusOf(error) ?? 0);
}

/** Errors of the client about messages that it does not send. */
const IS_ABOUT_MESSAGE = /exceeds? maximum event size|has been exceeded|to exceed/;

/** A client of the application puts the status into the message: `[400] Bad Request`. */
function statusOf(error: Error): number | undefined {
  if (error instanceof SegmentResponseError) return error.status;
  const written = /^\[(\d{3})\]/.exec(error.message)?.[1];
  return written === undefined ? undefined : Number(written);
}

function headerOf({ headers }: HTTPResponse, name: string): string | undefined {
  if (headers === undefined) return undefined;
  if (typeof headers['get'] === 'function') {
    return (headers as { get(key: string): string | null }).get(name) ?? undefined;
  }
  const entries = Object.entries(headers as Record<string, unknown>);
  const found = entries.find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}
