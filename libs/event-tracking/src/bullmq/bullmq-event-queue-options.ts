import type { ConnectionOptions, JobsOptions, Queue, WorkerOptions } from 'bullmq';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';
import { checkConnection } from './connection-check.js';

const DEFAULT_NAME = 'event-tracking';
const DEFAULT_PREFIX = '{event-tracking}';
/** BullMQ's own default. */
const BULLMQ_PREFIX = 'bull';

/** Options of a {@link BullMqEventQueue}. */
export interface BullMqEventQueueOptions {
  /**
   * How Redis is reached, as BullMQ takes it: options of `ioredis`, or a client.
   *
   * @default that of `queue`
   */
  connection?: ConnectionOptions;
  /**
   * The name of the queue in BullMQ; applications that share it share the work.
   *
   * @default that of `queue`, or 'event-tracking'
   */
  name?: string;
  /**
   * Prefix of the queue's keys; in a Redis Cluster it needs a hash tag, `{event-tracking}`.
   *
   * @default that of `queue`, or '{event-tracking}'
   */
  prefix?: string;
  /**
   * A queue that the application has already, to add jobs to; it stays open.
   *
   * @default one of its own
   */
  queue?: Queue;
  /**
   * How many events one job holds at most.
   *
   * @default 100
   */
  eventsPerJob?: number;
  /**
   * How many bytes of JSON one job holds at most. A larger event has a job of its own.
   *
   * @default 1,000,000
   */
  bytesPerJob?: number;
  /**
   * BullMQ's options for each job: priority, attempts, retention of finished jobs, …
   *
   * @default ten attempts with exponential backoff; completed jobs are removed, failed ones kept
   */
  job?: Omit<JobsOptions, 'jobId' | 'repeat' | 'parent'>;
  /**
   * Options of the worker, as BullMQ takes them: concurrency, limiter, lockDuration, …
   *
   * @default 10 jobs at the same time, and jobs that stalled up to ten times are taken up again
   */
  worker?: Omit<WorkerOptions, 'connection' | 'prefix' | 'autorun'>;
  /**
   * How events reach Redis.
   *
   * @default batches of 1,000, two at once
   */
  delivery?: Omit<DeliveryOptions, 'deadLetter'>;
  /**
   * Logs errors of the connection and of jobs.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

const OPTION_KEYS: KeysOf<BullMqEventQueueOptions> = {
  connection: true,
  name: true,
  prefix: true,
  queue: true,
  eventsPerJob: true,
  bytesPerJob: true,
  job: true,
  worker: true,
  delivery: true,
  logger: true,
};

/** Where the queue is in Redis. */
export interface QueueAddress {
  name: string;
  prefix: string;
  connection: ConnectionOptions;
}

/** @throws {@link ImproperlyConfigured} for invalid options */
export function checkBullMqOptions(options: BullMqEventQueueOptions, where: string): void {
  checkOptions(options, where, OPTION_KEYS);
}

/** @throws {@link ImproperlyConfigured} for options that BullMQ or this library cannot work with */
export function readAddress(options: BullMqEventQueueOptions): QueueAddress {
  checkBullMqOptions(options, 'BullMqEventQueue');
  const { queue } = options;
  const {
    connection = queue?.opts.connection,
    name = queue?.name ?? DEFAULT_NAME,
    prefix = queue === undefined ? DEFAULT_PREFIX : (queue.opts.prefix ?? BULLMQ_PREFIX),
  } = options;
  if (typeof connection !== 'object' || connection === null) {
    throw new ImproperlyConfigured(
      `BullMqEventQueue: connection must be an object; received ${connection === null ? 'null' : `a value of type ${typeof connection}`}. ` +
        `Pass options of ioredis such as { host: 'localhost', port: 6379 }, or a client.`,
    );
  }
  checkConnection(connection);
  if (typeof name !== 'string' || name === '' || name.includes(':')) {
    throw new ImproperlyConfigured(
      `BullMqEventQueue: name must be a non-empty string without colons; received ${describeValue(name)}.`,
    );
  }
  for (const option of ['eventsPerJob', 'bytesPerJob'] as const) {
    const value = options[option];
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new ImproperlyConfigured(
      `BullMqEventQueue: ${option} must be a positive integer; received ${describeValue(value)}.`,
    );
  }
  return { name, prefix, connection };
}
