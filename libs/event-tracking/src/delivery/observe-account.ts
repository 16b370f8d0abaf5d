import { distinctUntilChanged, Observable } from 'rxjs';
import { checkOptions } from '../core/check-options.js';
import type { Tracker, TrackerAccount } from '../core/tracker.js';

/** How a tracker's account is observed. */
export interface ObserveAccountOptions {
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
 * observeAccount(tracker).subscribe(({ backends }) => gauge.set(backends['warehouse.mongo'].pending));
 * ```
 */
export function observeAccount(
  tracker: Tracker,
  options: ObserveAccountOptions = {},
): Observable<TrackerAccount> {
  checkOptions(options, 'observeAccount', { interval: true });
  const { interval = 1_000 } = options;
  return new Observable<TrackerAccount>((subscriber) => {
    subscriber.next(tracker.account());
    const timer = setInterval(() => subscriber.next(tracker.account()), interval);
    timer.unref();
    return () => clearInterval(timer);
  }).pipe(distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)));
}
