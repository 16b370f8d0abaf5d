import type { Outcome } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import {
  NoBackendEnabled,
  NoTransformerImplemented,
  PermanentDeliveryError,
  RetryableDeliveryError,
} from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';
import { isConnectionError } from './connection-error.js';

/** The result of one attempt, for one event or for a whole batch. */
export type AttemptResult = 'delivered' | 'filtered' | AttemptFailure;

/** Whether another attempt can succeed: yes, unknown, or no. */
export type Retryability = 'retryable' | 'unknown' | 'permanent';

/** Why an attempt failed, and whether another one can succeed. */
export interface AttemptFailure {
  readonly error: unknown;
  /**
   * - `retryable`: an outage, a timeout or throttling, for which the events are not responsible
   * - `unknown`: an unclassified error; one of the events may cause it
   * - `permanent`: the destination rejected the events
   */
  readonly retryability: Retryability;
  /** The pause that the destination asks for, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Classifies an error that a backend threw or rejected with. */
export function classifyError(error: unknown): AttemptResult {
  if (error instanceof NoTransformerImplemented || error instanceof NoBackendEnabled) {
    return 'filtered';
  }
  if (error instanceof PermanentDeliveryError) return { error, retryability: 'permanent' };
  if (error instanceof RetryableDeliveryError) {
    return { error, retryability: 'retryable', retryAfterMs: error.retryAfterMs };
  }
  return { error, retryability: isConnectionError(error) ? 'retryable' : 'unknown' };
}

/** Classifies the outcome that a backend returned for one event of a batch. */
export function classifyOutcome(outcome: unknown): AttemptResult {
  if (!isPlainObject(outcome)) {
    const error = new TypeError(
      `sendBatch must return one outcome for each event; received ${describeValue(outcome)} for this one.`,
    );
    return { error, retryability: 'unknown' };
  }
  const { ok, error, retryable, retryAfterMs } = outcome as Outcome & { ok: false };
  if (ok) return 'delivered';
  if (classifyError(error) === 'filtered') return 'filtered';
  return { error, retryability: retryable ? 'retryable' : 'permanent', retryAfterMs };
}
