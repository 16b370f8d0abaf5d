import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';

/**
 * Whether events that are emitted in a transaction wait for its end.
 *
 * - `commit`: they are delivered after the commit, and dropped if the transaction is rolled back
 * - `always`: they are delivered at once, and survive a rollback
 */
export type TransactionMode = 'commit' | 'always';

/** @throws {@link ImproperlyConfigured} for a value that is neither a mode nor undefined */
export function checkedTransactionMode(mode: unknown, where: string): TransactionMode | undefined {
  if (mode === undefined || mode === 'commit' || mode === 'always') return mode;
  throw new ImproperlyConfigured(
    `${where}transaction must be 'commit' or 'always'; received ${describeValue(mode)}.`,
  );
}
