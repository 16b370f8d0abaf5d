import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable, Subscriber, type MonoTypeOperatorFunction } from 'rxjs';

/** Runs a function in the asynchronous context in which this module was loaded. */
const runAtLoad = AsyncLocalStorage.snapshot();

/**
 * Delivers the values of an Observable in the asynchronous context of its subscription.
 *
 * @remarks
 * Sources that several requests share (connections, Subjects, `share()`) call their subscribers in
 * the context of whichever request produced the value. Put this operator behind such a source, and
 * before operators that emit events.
 * @example
 * ```ts
 * prices$.pipe(withContext(), tap((price) => tracker.emit('price.seen', { price })))
 * ```
 */
export function withContext<T>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<T>((subscriber) => {
      const run = AsyncLocalStorage.snapshot();
      const next = (value: T): void => subscriber.next(value);
      // Created before the subscription, so that a synchronous source sees when the subscriber
      // leaves.
      const inner = new Subscriber<T>({
        next: (value) => run(next, value),
        error: (error: unknown) => run(() => subscriber.error(error)),
        complete: () => run(() => subscriber.complete()),
      });
      subscriber.add(inner);
      source.subscribe(inner);
    });
}

/**
 * Runs a function outside of any request, message and block, and returns its result.
 *
 * @remarks
 * For work that several requests share, such as opening a connection or loading a batch: callbacks
 * of the connection would otherwise run in the context of the request that opened it.
 * @example
 * ```ts
 * const redis = (this.redis ??= withoutContext(() => new Redis()));
 * ```
 */
export function withoutContext<T>(fn: () => T): T {
  return runAtLoad(fn);
}
