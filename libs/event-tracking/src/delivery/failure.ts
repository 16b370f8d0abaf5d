import type { Outcome } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import {
  NoBackendEnabled,
  NoTransformerImplemented,
  PermanentDeliveryError,
  RetryableDeliveryError,
} from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** What became of one event, or of all events, in one attempt. */
export type Verdict = 'delivered' | 'filtered' | Failure;

/** Why an attempt did not deliver, and whether another may. */
export interface Failure {
  readonly error: unknown;
  /**
   * - `promising`: the destination says that trying again may help
   * - `unknown`: nobody says; it may be a fault of the destination's client, or of the event
   * - `hopeless`: the destination refuses for good
   */
  readonly prospect: 'promising' | 'unknown' | 'hopeless';
  /** How long the destination asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Judges what a backend threw or rejected with. */
export function judgeFault(error: unknown): Verdict {
  if (error instanceof NoTransformerImplemented || error instanceof NoBackendEnabled) {
    return 'filtered';
  }
  if (error instanceof PermanentDeliveryError) return { error, prospect: 'hopeless' };
  if (error instanceof RetryableDeliveryError) {
    return { error, prospect: 'promising', retryAfterMs: error.retryAfterMs };
  }
  return { error, prospect: 'unknown' };
}

/** Judges what a backend said of one event. */
export function judgeOutcome(outcome: unknown): Verdict {
  if (!isPlainObject(outcome)) {
    const error = new TypeError(
      `sendBatch answers one outcome for each event; received ${describeValue(outcome)} for this one.`,
    );
    return { error, prospect: 'unknown' };
  }
  const said = outcome as Outcome;
  if (said.ok) return 'delivered';
  const { error, retryable, retryAfterMs } = said;
  if (judgeFault(error) === 'filtered') return 'filtered';
  return { error, prospect: retryable ? 'promising' : 'hopeless', retryAfterMs };
}
