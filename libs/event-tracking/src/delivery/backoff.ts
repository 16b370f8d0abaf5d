import { LONGEST_DURATION_MS, type RetrySettings } from './delivery-options.js';

/** Caps the exponent: `0 * 2 ** n` is NaN once `2 ** n` overflows. */
const LONGEST_EXPONENT = 31;

/**
 * Returns how long to wait after some failures, in milliseconds: anything from 0 to a ceiling that doubles with each failure,
 * so that senders which failed together do not return together ("full jitter", AWS Architecture Blog, 2015).
 *
 * @param retryAfterMs - the pause that the destination asks for; it lengthens the wait, up to `maxRetryAfter`
 */
export function backoff(
  failures: number,
  { minDelay, maxDelay, maxRetryAfter }: RetrySettings,
  retryAfterMs = 0,
): number {
  const ceiling = Math.min(maxDelay, minDelay * 2 ** Math.min(failures - 1, LONGEST_EXPONENT));
  const jittered = Math.random() * ceiling;
  return Math.min(LONGEST_DURATION_MS, Math.max(Math.min(retryAfterMs, maxRetryAfter), jittered));
}
