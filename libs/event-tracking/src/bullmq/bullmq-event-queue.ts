import { Logger } from '@nestjs/common';
import { Queue, Worker, type Job, type JobsOptions } from 'bullmq';
import type { Deadline } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type {
  EventQueue,
  EventQueueProducer,
  EventQueueConsumer,
} from '../core/tree/event-queue.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { BullMqProducer } from './bullmq-producer.js';
import {
  readAddress,
  type BullMqEventQueueOptions,
  type QueueAddress,
} from './bullmq-event-queue-options.js';
import { BullMqNodeConsumer } from './bullmq-node-consumer.js';
import { checkWorkerConnection } from './connection-check.js';
import { DeadLetterQueue } from './dead-letter-queue.js';
import type { EventJob, RecordJob } from './event-job.js';
import { JobProducer } from './job-producer.js';
import { ping } from './ping.js';
import { checkVersion } from './redis-client.js';

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
 * - Events are grouped into jobs. A job is complete when each destination behind the node has delivered, filtered or given
 *   up each of its events; destinations retry on their own.
 * - A worker that stops returns undelivered events to the queue, with the destinations that still need them.
 *   If a worker dies, others take over its jobs: events are delivered at least once, and recognised by their ids.
 * - Events that are given up are stored in the queue `<name>-dead-letters`, unless their destination has its own dead letters.
 * - Events that Redis does not accept wait in the application's memory, within bounds, as for any destination.
 */
export class BullMqEventQueue implements EventQueue {
  readonly #options: BullMqEventQueueOptions;
  readonly deadLetters: DeadLetterQueue;
  /** All nodes share one worker. */
  readonly sharesRoom = true;
  readonly #address: QueueAddress;
  readonly #diagnostics: Diagnostics;
  readonly #consumers: BullMqNodeConsumer[] = [];
  /** The consumers that are not closed. */
  readonly #open = new Set<BullMqNodeConsumer>();
  #queue: Queue | undefined;
  #worker: Worker | undefined;
  #closing = Promise.resolve();

  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(options: BullMqEventQueueOptions) {
    this.#address = readAddress(options);
    this.deadLetters = new DeadLetterQueue(this.#address, options.logger);
    this.#options = options;
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger('BullMqEventQueue'));
  }

  open(node: EventQueueConsumer): EventQueueProducer {
    const { eventsPerJob = 100, bytesPerJob = 1_000_000, job, delivery } = this.#options;
    this.#queue ??= this.#options.queue ?? this.#createQueue();
    checkVersion(this.#queue);
    const consumer = new BullMqNodeConsumer(node, {
      isFull: () => sum(this.#consumers, ({ pending }) => pending) >= this.#concurrency,
      isFullOfDeferred: () =>
        sum(this.#consumers, ({ deferred }) => deferred) > Math.max(1, this.#concurrency / 2),
    });
    this.#consumers.push(consumer);
    this.#open.add(consumer);
    const bounds = { events: eventsPerJob, bytes: bytesPerJob };
    const jobs = new JobProducer(this.#queue, node, bounds, { ...JOB_OPTIONS, ...job });
    return new BullMqProducer(
      jobs,
      { ...DELIVERY, ...delivery },
      {
        onWork: () => this.#work(),
        onClose: (deadline) => this.#closeConsumer(consumer, deadline),
      },
    );
  }

  /** Rejects if Redis cannot be reached before the signal aborts. */
  async check(deadline: Deadline = {}): Promise<void> {
    if (this.#queue !== undefined) await ping(this.#queue, deadline);
  }

  /** Takes no further jobs, waits for those under way, and closes the connections. */
  async close({ signal }: Deadline = {}): Promise<void> {
    const [worker, queue] = [this.#worker, this.#queue];
    this.#worker = undefined;
    this.#queue = undefined;
    // Jobs cut short by the deadline return their events once the destinations have stopped.
    this.#closing = Promise.allSettled([
      this.#closing,
      worker?.close() ?? Promise.resolve(),
      queue === undefined || queue === this.#options.queue ? Promise.resolve() : queue.close(),
    ]).then(() => {});
    await untilAborted(this.#closing, signal);
  }

  async #closeConsumer(consumer: BullMqNodeConsumer, deadline: Deadline): Promise<void> {
    const ended = consumer.close();
    this.#open.delete(consumer);
    if (this.#open.size > 0) consumer.stopAccepting();
    else await this.close(deadline);
    await untilAborted(ended, deadline.signal);
  }

  get #concurrency(): number {
    return this.#worker?.opts.concurrency ?? WORKER_OPTIONS.concurrency;
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
    checkWorkerConnection(connection);
    this.#worker = new Worker(
      name,
      (job, token) => this.#process(job as Job<EventJob | RecordJob>, token),
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

  async #process(job: Job<EventJob | RecordJob>, token?: string): Promise<void> {
    const { tracker, path } = job.data;
    const consumer = this.#consumers.find((each) => each.has(job.data));
    if (consumer === undefined) {
      throw new Error(
        `The tree of this worker has no node '${path}' with a queue, of a tracker '${tracker}'. Workers and applications ` +
          `need the same trackers and backends.`,
      );
    }
    await consumer.process(job, token);
  }

  #report(subject: string, what: string, error: unknown): void {
    this.#diagnostics.error(subject, `${what}: ${describeError(error)}.`);
  }
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((total, value) => total + sizeOf(value), 0);
}
