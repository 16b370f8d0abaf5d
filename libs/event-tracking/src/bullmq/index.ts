export type { BullMqEventQueueOptions, QueueAddress } from './bullmq-event-queue-options.js';
export { BullMqEventQueue } from './bullmq-event-queue.js';
export {
  bullMqQueue,
  type BullMqOptionsFactory,
  type BullMqQueueDefinition,
} from './bullmq-queue-definition.js';
export { DeadLetterQueue } from './dead-letter-queue.js';
