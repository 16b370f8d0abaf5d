/**
 * Why an event was lost.
 *
 * - `failed`: the backend threw or rejected, and has no retries
 * - `rejected`: the destination rejected the event permanently
 * - `exhausted`: all allowed attempts failed
 * - `overflow`: the queue in front of the destination was full
 * - `undelivered`: delivery had not ended when the deadline for closing expired
 * - `filter_failed`: a filter threw, and filters fail closed
 * - `closed`: the tracker had been closed
 * - `startup_overflow`: too many events were emitted before the tree was ready
 * - `rolled_back`: the transaction that the event was emitted in was rolled back
 * - `transaction_overflow`: too many events already waited for the end of the transaction
 * - `recursion`: creating or delivering an event emitted another event, in a cycle
 * - `internal_error`: the event could not be created
 */
export type DropReason =
  | 'failed'
  | 'rejected'
  | 'exhausted'
  | 'overflow'
  | 'undelivered'
  | 'filter_failed'
  | 'closed'
  | 'startup_overflow'
  | 'rolled_back'
  | 'transaction_overflow'
  | 'recursion'
  | 'internal_error';
