import { Logger } from '@nestjs/common';
import { DelayedError, Queue, Worker, type Job, type JobsOptions } from 'bullmq';
import type { Deadline } from '../core/backend.js';
import { describeError } from '../core/describe-error.js';
import { Diagnostics } from '../core/diagnostics.js';
import type { EventQueue, QueueEntrance, QueueLine } from '../core/event-queue.js';
import { untilAborted } from '../core/until-aborted.js';
import { BullMqEntrance } from './bullmq-entrance.js';
import {
  readAddress,
  type BullMqEventQueueOptions,
  type QueueAddress,
} from './bullmq-event-queue-options.js';
import { DeadLetterQueue } from './dead-letter-queue.js';
import {
  eventsOf,
  isRecordJob,
  jobOf,
  recordOfJob,
  type EventJob,
  type RecordJob,
} from './event-job.js';
import { JobProducer } from './job-producer.js';

const JOB_OPTIONS: JobsOptions = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: false,
};
const WORKER_OPTIONS = { concurrency: 10, maxStalledCount: 10 };
const DELIVERY = { batchSize: 1_000, concurrency: 2, flushInterval: 100, capacity: 50_000 };

/**
 * A queue in Redis, by BullMQ: any number of applications fill it, any number of workers empty it.
 *
 * @remarks
 * - Events are chunked into jobs. A job is done when each of its events has been delivered, filtered or given up at each
 *   destination behind the node; destinations try again by themselves.
 * - A worker that is stopped gives back what it has not delivered, to the destinations where it is still to be delivered.
 *   A worker that dies leaves its jobs to others: they are delivered at least once, and known by the events' ids.
 * - What is given up behind it is kept in a queue of its own, `<name>-dead-letters`, where a destination names no other place.
 * - What Redis does not take waits in the memory of the application, bounded, as before any destination.
 */
export class BullMqEventQueue implements EventQueue {
  readonly #options: BullMqEventQueueOptions;
  readonly deadLetters: DeadLetterQueue;
  readonly #address: QueueAddress;
  readonly #diagnostics: Diagnostics;
  readonly #lines: QueueLine[] = [];
  #queue: Queue | undefined;
  #worker: Worker | undefined;
  #entrances = 0;

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(options: BullMqEventQueueOptions) {
    this.#address = readAddress(options);
    this.deadLetters = new DeadLetterQueue(this.#address);
    this.#options = options;
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger('BullMqEventQueue'));
  }

  open(line: QueueLine): QueueEntrance {
    const { eventsPerJob = 100, job, delivery } = this.#options;
    this.#queue ??= this.#options.queue ?? this.#createQueue();
    this.#lines.push(line);
    this.#entrances++;
    const producer = new JobProducer(this.#queue, line, eventsPerJob, { ...JOB_OPTIONS, ...job });
    return new BullMqEntrance(
      producer,
      { ...DELIVERY, ...delivery },
      {
        work: () => this.#work(),
        leave: async (deadline) => {
          if (--this.#entrances === 0) await this.close(deadline);
        },
      },
    );
  }

  /** Rejects when Redis cannot be reached. */
  async check(): Promise<void> {
    await this.#queue?.getJobCounts('wait');
  }

  /** Takes no further jobs, lets those under way come to their end, and closes the connections. */
  async close({ signal }: Deadline = {}): Promise<void> {
    const [worker, queue] = [this.#worker, this.#queue];
    this.#worker = undefined;
    this.#queue = undefined;
    // Jobs that the deadline cuts short give back what is left, once their destinations have been told to end.
    await untilAborted(worker?.close(), signal);
    if (queue === undefined || queue === this.#options.queue) return;
    await untilAborted(queue.close(), signal);
  }

  #createQueue(): Queue {
    const { name, prefix, connection } = this.#address;
    const queue = new Queue(name, { connection, prefix });
    queue.on('error', (error) => this.#report('the connection', 'Redis cannot be reached', error));
    return queue;
  }

  #work(): void {
    if (this.#worker !== undefined) return;
    const { name, prefix, connection } = this.#address;
    this.#worker = new Worker(
      name,
      (job, token) => this.#take(job as Job<EventJob | RecordJob>, token),
      {
        ...WORKER_OPTIONS,
        ...this.#options.worker,
        connection,
        prefix,
      },
    );
    this.#worker.on('error', (error) =>
      this.#report('the worker', 'Redis cannot be reached', error),
    );
    this.#worker.on('failed', (job, error) =>
      this.#report('jobs', `The job ${job?.id ?? 'that stalled'} failed`, error),
    );
  }

  async #take(job: Job<EventJob | RecordJob>, token?: string): Promise<void> {
    const { tracker, path } = job.data;
    const line = this.#lines.find((each) => {
      const place = each.place();
      return place.tracker === tracker && place.path === path;
    });
    if (line === undefined) {
      throw new Error(
        `The tree of this worker has no node '${path}' with a queue, of a tracker '${tracker}'. Workers and applications ` +
          `need the same trackers and backends.`,
      );
    }
    if (isRecordJob(job.data)) {
      await line.register(recordOfJob(job.data));
      return;
    }
    const undelivered = await line.consume(eventsOf(job.data), { keeps: true });
    if (undelivered.length === 0) return;
    await job.updateData(jobOf(tracker, path, undelivered));
    await job.moveToDelayed(Date.now(), token);
    throw new DelayedError('The worker was stopped before all events were delivered.');
  }

  #report(subject: string, what: string, error: unknown): void {
    this.#diagnostics.error(subject, `${what}: ${describeError(error)}.`);
  }
}
