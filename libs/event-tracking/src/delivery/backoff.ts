import { LONGEST_DURATION_MS, type RetrySettings } from './delivery-options.js';

/** Beyond it nothing of zero would be no number. */
const LONGEST_EXPONENT = 31;

/**
 * How long to wait after so many failures, in milliseconds: anything from 0 to a ceiling that doubles, so that those who
 * failed together do not come back together ("full jitter", AWS Architecture Blog, 2015).
 *
 * @param retryAfterMs - what the destination asked for, which is never undercut
 */
export function backoff(
  failures: number,
  { minDelay, maxDelay }: RetrySettings,
  retryAfterMs = 0,
): number {
  const ceiling = Math.min(maxDelay, minDelay * 2 ** Math.min(failures - 1, LONGEST_EXPONENT));
  const jittered = Math.random() * ceiling;
  return Math.min(LONGEST_DURATION_MS, Math.max(retryAfterMs, jittered));
}
