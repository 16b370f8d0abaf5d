import { runningTransaction } from '../core/context/running-transaction.js';
import { TransactionScope } from '../core/context/transaction-scope.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { pipelineOf, type Tracker } from '../core/tracker/tracker.js';
import { heldTransaction } from './held-transaction.js';

/** Wraps a callback that the database may repeat: each call drops the events of the one before. */
export type WrapAttempt = <Args extends unknown[], Result>(
  callback: (...args: Args) => Result | PromiseLike<Result>,
) => (...args: Args) => Promise<Result>;

/**
 * Holds the events of a tracker while code runs that has a transaction of its own: delivers them if
 * the code succeeds, and drops them as `rolled_back` if it throws or rejects.
 *
 * @remarks
 * In another transaction, it is a savepoint: its events then also wait for that transaction. Events
 * of other trackers are not held.
 * @example
 * ```ts
 * await inTransaction(tracker, (attempt) =>
 *   session.withTransaction(
 *     attempt(async () => {
 *       await orders.insertOne({ _id: orderId }, { session });
 *       tracker.emit('order.placed', { order_id: orderId });
 *     }),
 *   ),
 * );
 * ```
 * @param run - runs the transaction; it may wrap the callback with `attempt`, which is necessary if
 * the database can repeat the callback
 * @throws {@link ImproperlyConfigured} for an invalid argument; errors of `run` pass through
 */
export async function inTransaction<T>(
  tracker: Pick<Tracker, 'emit'>,
  run: (attempt: WrapAttempt) => T | PromiseLike<T>,
): Promise<T> {
  checkArguments(tracker, run);
  const only = pipelineOf(tracker);
  // A double of a test, which holds nothing.
  if (only === undefined)
    return run(
      (callback) =>
        async (...args) =>
          callback(...args),
    );
  const outer = runningTransaction();
  const open = (): TransactionScope =>
    new TransactionScope({ outer, joins: outer?.scopeFor(only), only });
  return heldTransaction(open, async (attempt) =>
    attempt(async () => {
      const around = runningTransaction();
      const openAttempt = (): TransactionScope =>
        new TransactionScope({ outer: around, joins: around, only });
      return heldTransaction(openAttempt, (attemptWithin) =>
        run(
          (callback) =>
            async (...args) =>
              attemptWithin(async () => callback(...args)),
        ),
      );
    }),
  );
}

function checkArguments(tracker: unknown, run: unknown): void {
  if (typeof (tracker as Partial<Tracker> | null | undefined)?.emit !== 'function') {
    throw new ImproperlyConfigured(
      `inTransaction: tracker must be a Tracker; received ${describeValue(tracker)}. ` +
        `Pass the tracker whose events wait for the transaction.`,
    );
  }
  if (typeof run !== 'function') {
    throw new ImproperlyConfigured(
      `inTransaction: run must be a function that runs the transaction; received ${describeValue(run)}. ` +
        `Write inTransaction(tracker, () => …), so that it begins inside.`,
    );
  }
}
