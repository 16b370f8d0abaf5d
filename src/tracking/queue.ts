import type { EventQueueDefinition } from 'nestjs-event-tracking';
import { bullMqQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const redisUrl = process.env['REDIS_URL'];

/** Queues events for the warehouse in Redis if configured, otherwise in a directory. */
export const queue: EventQueueDefinition =
  redisUrl === undefined
    ? { useFactory: () => new DiskEventQueue({ directory: queueName('events-queue') }) }
    : bullMqQueue({
        useFactory: () => ({ connection: { url: redisUrl }, name: queueName('course-events') }),
      });

/** Whether a separate process consumes the queue: `node dist/src/worker.js`. */
export const needsWorker = redisUrl !== undefined;

/** Describes the location of the queue. */
export function queueLocation(): string {
  return redisUrl === undefined
    ? `the directory ${queueName('events-queue')}`
    : `the queue ${queueName('course-events')} of Redis, ${new URL(redisUrl).host}`;
}

function queueName(fallback: string): string {
  return process.env['EVENTS_QUEUE'] ?? fallback;
}
