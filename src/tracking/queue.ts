import type { EventQueueDefinition } from 'nestjs-event-tracking';
import { bullMqQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const redisUrl = process.env['REDIS_URL'];

/** Where events wait for the warehouse: in Redis where there is one, else in a directory. */
export const queue: EventQueueDefinition =
  redisUrl === undefined
    ? { useFactory: () => new DiskEventQueue({ directory: nameOfQueue('events-queue') }) }
    : bullMqQueue({
        useFactory: () => ({ connection: { url: redisUrl }, name: nameOfQueue('course-events') }),
      });

/** Whether a process of its own takes events out of the queue: `node dist/src/worker.js`. */
export const needsWorker = redisUrl !== undefined;

/** Says where events wait. */
export function placeOfQueue(): string {
  return redisUrl === undefined
    ? `the directory ${nameOfQueue('events-queue')}`
    : `the queue ${nameOfQueue('course-events')} of Redis, ${new URL(redisUrl).host}`;
}

function nameOfQueue(standard: string): string {
  return process.env['EVENTS_QUEUE'] ?? standard;
}
