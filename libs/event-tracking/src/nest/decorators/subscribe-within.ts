import { Observable, Subscriber, type Observer } from 'rxjs';
import type { ContextLocator } from '../../core/context/context-locator.js';

/** Runs a function in a scope and returns what it returns. */
export type Run = <R>(fn: () => R) => R;

/** What is told of a subscription, in its scope and before the subscriber hears of it. */
export interface SubscriptionWitness<T> {
  next?(value: T): void;
  error?(fault: unknown): void;
  complete?(): void;
  /** The subscriber left before the end. */
  unsubscribe?(): void;
}

/**
 * Makes an Observable that is subscribed inside a scope, anew for each subscription.
 *
 * @remarks
 * The subscriber hears values in its own scope, wherever the producer runs; teardown runs inside. So what is subscribed
 * late, or twice, has the scope of its subscription and leaks it to nobody.
 */
export function subscribeWithin<T>(
  locator: ContextLocator,
  open: Run,
  source: () => Observable<T>,
  witnessOf: () => SubscriptionWitness<T> = () => ({}),
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const outside = locator.get();
    return open(() => {
      const inside = locator.get();
      const witness = witnessOf();
      let ended = false;
      const forward = (tell: () => void): void => locator.run(outside, tell);
      const observer: Observer<T> = {
        next: (value) => {
          witness.next?.(value);
          forward(() => subscriber.next(value));
        },
        error: (fault: unknown) => {
          ended = true;
          if (witness.error !== undefined) locator.run(inside, () => witness.error!(fault));
          forward(() => subscriber.error(fault));
        },
        complete: () => {
          ended = true;
          if (witness.complete !== undefined) locator.run(inside, () => witness.complete!());
          forward(() => subscriber.complete());
        },
      };
      // Known before it is subscribed: a source that emits at once learns by it that the subscriber has left.
      const within = new Subscriber<T>(observer);
      subscriber.add(() =>
        locator.run(inside, () => {
          within.unsubscribe();
          if (!ended) witness.unsubscribe?.();
        }),
      );
      source().subscribe(within);
    });
  });
}
