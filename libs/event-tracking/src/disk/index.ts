export { DeadLetterFiles } from './dead-letter-files.js';
export type { DeadLetterRetention } from './dead-letter-retention.js';
export type { DiskEventQueueOptions } from './disk-event-queue-options.js';
export { DiskEventQueue } from './disk-event-queue.js';
