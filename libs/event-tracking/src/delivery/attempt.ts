import type { Backend } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import { isThenable } from '../core/tree/is-thenable.js';
import { judgeFault, judgeOutcome, type Verdict } from './failure.js';

/** The limits of one attempt. */
export interface AttemptLimits {
  /** In milliseconds. */
  timeout: number;
  /** Aborts when nobody waits any longer. */
  stopped: AbortSignal;
}

/**
 * Tries once to deliver events; never rejects.
 *
 * @returns one verdict on the whole call, or one for each event
 */
export async function attempt(
  destination: Backend,
  events: readonly TrackingEvent[],
  limits: AttemptLimits,
): Promise<Verdict | readonly Verdict[]> {
  const ended = new AbortController();
  const count = events.length; // the destination may empty its list
  try {
    const answer = call(destination, events, ended.signal);
    const outcomes = isThenable(answer) ? await answerWithin(answer, ended, limits) : answer;
    return outcomes === undefined ? 'delivered' : verdictsOf(outcomes, count);
  } catch (fault) {
    return judgeFault(fault);
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

/** Waits for an answer; when that takes too long, tells whoever works on it to stop, and rejects. */
export async function answerWithin(
  answer: PromiseLike<unknown>,
  ended: AbortController,
  { timeout, stopped }: AttemptLimits,
): Promise<unknown> {
  let giveUp = (_fault: Error): void => {};
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  const end = (fault: Error): void => {
    giveUp(fault);
    ended.abort(fault);
  };
  const timer = setTimeout(
    () => end(new Error(`The destination did not answer within ${timeout} ms (timeout).`)),
    timeout,
  );
  timer.unref();
  const stop = (): void => end(new Error('Delivery was stopped.'));
  if (stopped.aborted) stop();
  else stopped.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([answer, givenUp]);
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', stop);
  }
}

function verdictsOf(outcomes: unknown, count: number): Verdict[] {
  if (Array.isArray(outcomes) && outcomes.length === count) {
    return Array.from(outcomes as unknown[], judgeOutcome); // also where an outcome was left out
  }
  throw new TypeError(
    `sendBatch answers nothing, or one outcome for each of the ${count} events; received ${describeValue(outcomes)}.`,
  );
}
