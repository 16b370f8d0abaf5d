import type { Backend } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isThenable } from '../core/diagnostics/is-thenable.js';
import { classifyError, classifyOutcome, type AttemptResult } from './attempt-result.js';

export interface AttemptLimits {
  /** In milliseconds. */
  timeout: number;
  /** Aborts when delivery stops. */
  stopped: AbortSignal;
}

/**
 * Tries once to deliver events; never rejects.
 *
 * @returns one result for the whole call, or one for each event
 */
export async function attempt(
  destination: Backend,
  events: readonly TrackingEvent[],
  limits: AttemptLimits,
): Promise<AttemptResult | readonly AttemptResult[]> {
  const ended = new AbortController();
  const count = events.length; // the destination may empty its list
  try {
    const answer = call(destination, events, ended.signal);
    const outcomes = isThenable(answer) ? await answerWithin(answer, ended, limits) : answer;
    // Clients return booleans, documents and responses from `send`, which mean nothing here.
    const isAll = outcomes === undefined || destination.sendBatch === undefined;
    return isAll ? 'delivered' : resultsOf(outcomes, count);
  } catch (error) {
    return classifyError(error);
  }
}

function call(
  destination: Backend,
  events: readonly TrackingEvent[],
  signal: AbortSignal,
): unknown {
  return destination.sendBatch === undefined
    ? destination.send(events[0]!)
    : destination.sendBatch(events, { signal });
}

/** Waits for an answer. When that takes too long, aborts the work behind it and rejects. */
export async function answerWithin(
  answer: PromiseLike<unknown>,
  ended: AbortController,
  { timeout, stopped }: AttemptLimits,
): Promise<unknown> {
  let reject = (_error: Error): void => {};
  const aborted = new Promise<never>((_, onAbort) => (reject = onAbort));
  const end = (error: Error): void => {
    reject(error);
    ended.abort(error);
  };
  const timer = setTimeout(
    () =>
      end(
        new RetryableDeliveryError(
          `The destination did not answer within ${timeout} ms (timeout).`,
        ),
      ),
    timeout,
  );
  timer.unref();
  const stop = (): void => end(new RetryableDeliveryError('Delivery was stopped.'));
  if (stopped.aborted) stop();
  else stopped.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', stop);
  }
}

function resultsOf(outcomes: unknown, count: number): AttemptResult[] {
  if (Array.isArray(outcomes) && outcomes.length === count) {
    return Array.from(outcomes as unknown[], classifyOutcome); // fills in outcomes that are missing
  }
  throw new TypeError(
    `sendBatch must return nothing, or one outcome for each of the ${count} events; received ${describeValue(outcomes)}.`,
  );
}
