import { distinctUntilChanged, Observable } from 'rxjs';
import { checkOptions } from '../core/diagnostics/check-options.js';
import type { Tracker, TrackerStats } from '../core/tracker/tracker.js';

/** How a tracker's account is observed. */
export interface ObserveStatsOptions {
  /**
   * How often it is looked at, in milliseconds.
   *
   * @default 1,000
   */
  interval?: number;
}

/**
 * Watches a tracker's counters, by path and reason: now, and whenever they have changed since the last look.
 *
 * @remarks
 * Looking costs the code that emits nothing: these are counters that are kept anyway. Its timer keeps no process alive.
 * @example
 * ```ts
 * observeStats(tracker).subscribe(({ backends }) => gauge.set(backends['warehouse.mongo'].pending));
 * ```
 */
export function observeStats(
  tracker: Tracker,
  options: ObserveStatsOptions = {},
): Observable<TrackerStats> {
  checkOptions(options, 'observeStats', { interval: true });
  const { interval = 1_000 } = options;
  return new Observable<TrackerStats>((subscriber) => {
    subscriber.next(tracker.stats());
    const timer = setInterval(() => subscriber.next(tracker.stats()), interval);
    timer.unref();
    return () => clearInterval(timer);
  }).pipe(distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)));
}
