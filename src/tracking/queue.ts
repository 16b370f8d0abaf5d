import type { EventQueueDefinition } from 'nestjs-event-tracking';
import { bullMqQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const redisUrl = process.env['REDIS_URL'];

/** Queues events for the warehouse in Redis if configured, otherwise in a directory. */
export const queue: EventQueueDefinition =
  redisUrl === undefined
    ? { useFactory: () => new DiskEventQueue({ directory: nameOfQueue('events-queue') }) }
    : bullMqQueue({
        useFactory: () => ({ connection: { url: redisUrl }, name: nameOfQueue('course-events') }),
      });

/** Whether a separate process consumes the queue: `node dist/src/worker.js`. */
export const needsWorker = redisUrl !== undefined;

/** Describes the location of the queue. */
export function placeOfQueue(): string {
  return redisUrl === undefined
    ? `the directory ${nameOfQueue('events-queue')}`
    : `the queue ${nameOfQueue('course-events')} of Redis, ${new URL(redisUrl).host}`;
}

function nameOfQueue(standard: string): string {
  return process.env['EVENTS_QUEUE'] ?? standard;
}
