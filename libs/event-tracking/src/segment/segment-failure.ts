import { FetchHTTPClient } from '@segment/analytics-node';
import type { Context, HTTPClient, HTTPClientRequest, HTTPResponse } from '@segment/analytics-node';
import { parseRetryAfter } from '../delivery/retry-after.js';
import type { Outcome } from '../core/tree/backend.js';
import { NoBackendEnabled } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** What Segment answered instead of success. */
export class SegmentResponseError extends Error {
  override readonly name = 'SegmentResponseError';

  constructor(
    readonly status: number,
    readonly retryAfterMs?: number,
  ) {
    super(`Segment answered ${status}`);
  }
}

/** Makes failures of the answers that are none, so that delivery learns what they were and when to come back. */
export class JudgingHttpClient implements HTTPClient {
  constructor(private readonly client: HTTPClient = new FetchHTTPClient()) {}

  async makeRequest(request: HTTPClientRequest): Promise<HTTPResponse> {
    const response = await this.client.makeRequest(request);
    const { status } = response;
    if (status >= 200 && status < 400) return response;
    throw new SegmentResponseError(status, parseRetryAfter(headerOf(response, 'retry-after')));
  }
}

/** Answers that may be others later: too early, too many, too slow, and all that a server says of itself. */
const PASSING_STATUS = /^(?:408|410|425|429|460|5(?!01|05|11)\d\d)$/;
/** Answers that one message of a batch may be to blame for. */
const BLAMING_STATUS = new Set([400, 413, 422]);

/** What became of a message that Segment took. */
const DELIVERED: Outcome = { ok: true };
/** What became of a message that the client could not write as JSON. */
export const UNWRITABLE: Outcome = {
  ok: false,
  error: new Error("Segment's client cannot write the event as JSON"),
  retryable: false,
};
/** What becomes of a message that comes too late; it may go to a queue that outlives the client. */
export const CLOSED: Outcome = {
  ok: false,
  error: new Error("Segment's client has been closed"),
  retryable: true,
};

/** Judges what the client calls tracked, which it also does where it failed to put the message into a batch. */
export function judgeTracked(context: Partial<Context>): Outcome {
  const failed = context
    .logs?.()
    .some(({ level, extras }) => level === 'error' && extras?.['plugin'] === 'Segment.io');
  return failed === true ? UNWRITABLE : DELIVERED;
}

/** Judges what the client gave a message up for. */
export function judgeFailure(reason: unknown): Outcome & { ok: false } {
  if (isCancellation(reason)) {
    const error = new NoBackendEnabled(`A plugin of Segment's client dropped it: ${reason.reason}`);
    return { ok: false, error, retryable: false };
  }
  const error = reason instanceof Error ? reason : new Error(String(reason ?? 'without a reason'));
  const status = statusOf(error);
  if (status !== undefined) {
    const retryAfterMs = error instanceof SegmentResponseError ? error.retryAfterMs : undefined;
    return { ok: false, error, retryable: PASSING_STATUS.test(String(status)), retryAfterMs };
  }
  return { ok: false, error, retryable: !IS_OF_THE_MESSAGE.test(error.message) };
}

/** Plugins of the client drop a message by `context.cancel()`, and the client never sends it then. */
function isCancellation(reason: unknown): reason is { reason: string } {
  return (
    isPlainObject(reason) && !(reason instanceof Error) && typeof reason['reason'] === 'string'
  );
}

/** Tells whether a single message may be to blame for what a whole batch was refused for. */
export function mayBlameOne({ error }: { error: unknown }): boolean {
  return error instanceof Error && BLAMING_STATUS.has(statusOf(error) ?? 0);
}

/** What the client says of messages that it does not send at all. */
const IS_OF_THE_MESSAGE = /exceeds? maximum event size|has been exceeded|to exceed/;

/** Clients that judge for themselves put the status into the message: `[400] Bad Request`. */
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
