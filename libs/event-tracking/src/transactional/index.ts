export { inTransaction, type WrapAttempt } from './in-transaction.js';
export { transactionalEvents } from './transactional-events.js';
