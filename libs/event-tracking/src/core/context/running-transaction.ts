import { transactionStorage, type ScopeFrame } from './scope-storage.js';
import type { TransactionScope } from './transaction-scope.js';

const NO_FRAME: ScopeFrame = { owner: undefined, stack: undefined, others: undefined };

/** Marks the options of adapters of transactions that hold events, for every copy of the package. */
export const HOLDS_EVENTS = Symbol.for('event-tracking:holds-events');

export function runningTransaction(): TransactionScope | undefined {
  return transactionStorage().getStore()?.transaction;
}

export function runInTransaction<T>(transaction: TransactionScope, fn: () => T): T {
  return runWith(transaction, fn);
}

/** Runs a function outside all transactions, so that its events are not held. */
export function runOutsideTransactions<T>(fn: () => T): T {
  return runningTransaction() === undefined ? fn() : runWith(undefined, fn);
}

function runWith<T>(transaction: TransactionScope | undefined, fn: () => T): T {
  const storage = transactionStorage();
  return storage.run({ ...(storage.getStore() ?? NO_FRAME), transaction }, fn);
}
