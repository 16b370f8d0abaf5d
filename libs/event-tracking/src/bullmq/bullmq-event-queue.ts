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
import { BullMqEntrance } from './bullmq-entrance.js';
import {
  readAddress,
  type BullMqEventQueueOptions,
  type QueueAddress,
} from './bullmq-event-queue-options.js';
import { BullMqLine } from './bullmq-line.js';
import { checkWorkerConnection } from './connection-check.js';
import { DeadLetterQueue } from './dead-letter-queue.js';
import type { EventJob, RecordJob } from './event-job.js';
import { JobProducer } from './job-producer.js';
import { reach } from './reach.js';

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
 * - A worker that stops returns undelivered events to the queue, with the destinations that still need them.
 *   A worker that dies leaves its jobs to others: they are delivered at least once, and known by the events' ids.
 * - Events that are given up are stored in the queue `<name>-dead-letters`, unless their destination has its own dead letters.
 * - Events that Redis does not accept wait in the application's memory, within bounds, as for any destination.
 */
export class BullMqEventQueue implements EventQueue {
  readonly #options: BullMqEventQueueOptions;
  readonly deadLetters: DeadLetterQueue;
  readonly #address: QueueAddress;
  readonly #diagnostics: Diagnostics;
  readonly #lines: BullMqLine[] = [];
  /** The lines whose nodes have not closed them. */
  readonly #open = new Set<BullMqLine>();
  #queue: Queue | undefined;
  #worker: Worker | undefined;
  #closing = Promise.resolve();

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(options: BullMqEventQueueOptions) {
    this.#address = readAddress(options);
    this.deadLetters = new DeadLetterQueue(this.#address, options.logger);
    this.#options = options;
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger('BullMqEventQueue'));
  }

  open(line: EventQueueConsumer): EventQueueProducer {
    const { eventsPerJob = 100, bytesPerJob = 1_000_000, job, delivery } = this.#options;
    this.#queue ??= this.#options.queue ?? this.#createQueue();
    const ownLine = new BullMqLine(line);
    this.#lines.push(ownLine);
    this.#open.add(ownLine);
    const bounds = { events: eventsPerJob, bytes: bytesPerJob };
    const producer = new JobProducer(this.#queue, line, bounds, { ...JOB_OPTIONS, ...job });
    return new BullMqEntrance(
      producer,
      { ...DELIVERY, ...delivery },
      {
        work: () => this.#work(),
        leave: (deadline) => this.#leave(ownLine, deadline),
      },
    );
  }

  /** Rejects when Redis cannot be reached, or has not been when the signal aborts. */
  async check(deadline: Deadline = {}): Promise<void> {
    if (this.#queue !== undefined) await reach(this.#queue, deadline);
  }

  /** Takes no further jobs, lets those under way come to their end, and closes the connections. */
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

  async #leave(line: BullMqLine, deadline: Deadline): Promise<void> {
    const ended = line.close();
    this.#open.delete(line);
    if (this.#open.size > 0) line.refuse();
    else await this.close(deadline);
    await untilAborted(ended, deadline.signal);
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
    const line = this.#lines.find((each) => each.has(job.data));
    if (line === undefined) {
      throw new Error(
        `The tree of this worker has no node '${path}' with a queue, of a tracker '${tracker}'. Workers and applications ` +
          `need the same trackers and backends.`,
      );
    }
    await line.take(job, token);
  }

  #report(subject: string, what: string, error: unknown): void {
    this.#diagnostics.error(subject, `${what}: ${describeError(error)}.`);
  }
}
