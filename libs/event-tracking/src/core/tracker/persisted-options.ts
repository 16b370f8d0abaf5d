import { checkOptions } from '../diagnostics/check-options.js';
import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import { untilAborted } from '../tree/until-aborted.js';

/** How long {@link Tracker.persisted} may take. */
export interface PersistedOptions {
  /**
   * Aborts when the caller will wait no longer.
   *
   * @default it waits as long as necessary
   */
  signal?: AbortSignal;
  /**
   * The longest time to wait, in milliseconds.
   *
   * @default no limit
   */
  timeout?: number;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Runs work with a signal that aborts when the caller's signal does, or the time is over.
 *
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export async function withinDeadline<T>(
  options: PersistedOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkOptions(options, 'tracker.persisted', { signal: true, timeout: true });
  const { signal, timeout } = options;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    throw new ImproperlyConfigured(
      `tracker.persisted: timeout must be a number of milliseconds from 0; received ${describeValue(timeout)}.`,
    );
  }
  const late = new AbortController();
  if (signal?.aborted === true || timeout === 0) late.abort(signal?.reason);
  const timer =
    timeout !== undefined && timeout <= LONGEST_TIMEOUT_MS
      ? setTimeout(() => late.abort(), timeout)
      : undefined;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  // Callers may share one signal, so it gets one listener for all.
  void untilAborted(ended, signal).then(() => late.abort(signal?.reason));
  try {
    return await work(late.signal);
  } finally {
    clearTimeout(timer);
    end();
  }
}
