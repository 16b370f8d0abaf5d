/** The largest time of a Date, in milliseconds. */
const LATEST = 8.64e15;

/**
 * Returns the time for timestamps: a whole number of milliseconds since 1970.
 *
 * @remarks
 * It can jump in both directions, so no duration may be measured with it. Where `Date.now` was replaced by something that
 * returns no time, the monotonic clock continues from the start of the process.
 */
export function wallTime(): number {
  try {
    const now: unknown = Date.now();
    if (typeof now === 'number' && now <= LATEST && now >= -LATEST) return Math.trunc(now);
  } catch {
    // A mock replaces Date, and has no method `now`.
  }
  return Math.trunc(performance.timeOrigin + performance.now());
}
