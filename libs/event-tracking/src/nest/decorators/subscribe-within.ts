import { Observable, Subscriber, type Observer } from 'rxjs';
import type { ContextLocator } from '../../core/context/context-locator.js';

/** Runs a function in a scope and returns its result. */
export type Run = <R>(fn: () => R) => R;

/** Observes a subscription in its scope, before the subscriber is notified. */
export interface SubscriptionObserver<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
  /** Called if the subscriber unsubscribes before the source ends. */
  unsubscribe?(): void;
}

/**
 * Returns an Observable whose source is subscribed inside a scope, a new one for each subscription.
 *
 * @remarks
 * The subscriber receives values in its own scope, wherever the producer runs; teardown runs in the
 * inner scope. A late or repeated subscription therefore has the right scope and does not leak it.
 */
export function subscribeWithin<T>(
  locator: ContextLocator,
  open: Run,
  source: () => Observable<T>,
  createObserver: () => SubscriptionObserver<T> = () => ({}),
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const outside = locator.get();
    return open(() => {
      const inside = locator.get();
      const observer = createObserver();
      let hasEnded = false;
      const forward = (notify: () => void): void => locator.run(outside, notify);
      const relay: Observer<T> = {
        next: (value) => {
          observer.next?.(value);
          forward(() => subscriber.next(value));
        },
        error: (error: unknown) => {
          hasEnded = true;
          if (observer.error !== undefined) locator.run(inside, () => observer.error!(error));
          forward(() => subscriber.error(error));
        },
        complete: () => {
          hasEnded = true;
          if (observer.complete !== undefined) locator.run(inside, () => observer.complete!());
          forward(() => subscriber.complete());
        },
      };
      // Created before the subscription, so that a synchronous source sees when the subscriber
      // leaves.
      const inner = new Subscriber<T>(relay);
      subscriber.add(() =>
        locator.run(inside, () => {
          inner.unsubscribe();
          if (!hasEnded) observer.unsubscribe?.();
        }),
      );
      source().subscribe(inner);
    });
  });
}
