import { runInTransaction } from '../core/context/running-transaction.js';
import type { TransactionScope } from '../core/context/transaction-scope.js';

/** Runs a callback in a new attempt, which drops the events of the attempt before it. */
export type Attempt = <T>(callback: () => T | PromiseLike<T>) => Promise<T>;

/** Runs a transaction, and releases the events of its last attempt if it succeeds. */
export async function heldTransaction<T>(
  open: () => TransactionScope,
  run: (attempt: Attempt) => T | PromiseLike<T>,
): Promise<T> {
  let last: TransactionScope | undefined;
  const attempt: Attempt = async (callback) => {
    last?.rollBack();
    const scope = open();
    last = scope;
    return runInTransaction(scope, async () =>
      scope.run(async () => {
        const result = await callback();
        await scope.prepare();
        return result;
      }),
    );
  };
  let result: T;
  try {
    result = await run(attempt);
  } catch (error) {
    last?.rollBack();
    throw error;
  }
  last?.commit();
  return result;
}
