import type { Outcome } from '../core/tree/backend.js';
import {
  PermanentDeliveryError,
  RetryableDeliveryError,
  type EventTrackingError,
} from '../core/diagnostics/errors.js';
import { messageText } from '../core/diagnostics/message-text.js';
import { parseRetryAfter } from '../delivery/retry-after.js';

/** A response to a request that contained events. */
export interface HttpResponse {
  readonly status: number;
  /** The headers, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text, cut to 1 MiB. */
  readonly body: string;
}

/** The judgement of a response on the events of its request. */
export interface Verdict {
  readonly outcome: Outcome;
  /** Whether a single event can have caused the failure of the whole request. */
  readonly mayConcernOneEvent: boolean;
}

const DELIVERED: Verdict = { outcome: { ok: true }, mayConcernOneEvent: false };
/** Redirects, and responses that can change: too early, too many, too slow, and errors of the server. */
const RETRYABLE = /^(?:1\d\d|3\d\d|408|425|429|5\d\d)$/;
/** Malformed, conflicting, too large, unprocessable. */
const MAY_CONCERN_ONE_EVENT: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);
const MAX_EXCERPT = 200;

/** Judges the events of a request by the status of its response: only 2xx means delivered. */
export function judge(
  { status, headers, body }: HttpResponse,
  target: string,
  mask: (text: string) => string,
): Verdict {
  if (status >= 200 && status < 300) return DELIVERED;
  const excerpt = messageText(mask(body).replaceAll(/\s+/g, ' ').trim(), MAX_EXCERPT);
  const message = `${target} answered ${status}${excerpt === '' ? '.' : `: ${excerpt}`}`;
  if (RETRYABLE.test(String(status))) {
    const retryAfterMs = parseRetryAfter(headers['retry-after']);
    const error = new RetryableDeliveryError(message, { retryAfterMs });
    return { outcome: failed(error), mayConcernOneEvent: false };
  }
  return {
    outcome: failed(new PermanentDeliveryError(message)),
    mayConcernOneEvent: MAY_CONCERN_ONE_EVENT.has(status),
  };
}

/** Returns the outcome of an event whose delivery failed with a classified error. */
export function failed(error: EventTrackingError): Outcome & { ok: false } {
  if (!(error instanceof RetryableDeliveryError)) return { ok: false, error, retryable: false };
  const { retryAfterMs } = error;
  return { ok: false, error, retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
