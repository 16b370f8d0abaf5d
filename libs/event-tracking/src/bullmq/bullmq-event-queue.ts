import { Logger } from '@nestjs/common';
import { Queue, type JobsOptions } from 'bullmq';
import type { Deadline } from '../core/tree/backend.js';
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
import { BullMqNodeConsumer, returnJob, type AnyJob } from './bullmq-node-consumer.js';
import { DeadLetterQueue } from './dead-letter-queue.js';
import { countOfLostEvents, isNewerJob, type EventJob, type RecordJob } from './event-job.js';
import { JobWriter } from './job-writer.js';
import { JobWorker } from './job-worker.js';
import { LossWatch } from './loss-watch.js';
import { ping } from './ping.js';
import { checkVersion } from './queue-client.js';
import { RedisClients } from './redis-clients.js';
import { describeRedisError } from './redis-error.js';

const JOB_OPTIONS: JobsOptions = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: false,
};
const WORKER_OPTIONS = { concurrency: 10, maxStalledCount: 10 };
/** The delay before a worker may take a job again whose format was too new. */
const NEWER_FORMAT_DELAY_MS = 5_000;
/** How long jobs may take to return their events after the deadline of `close`. */
const RETURN_TIMEOUT_MS = 2_000;
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
  readonly isDurable = true;
  readonly #options: BullMqEventQueueOptions;
  readonly deadLetters: DeadLetterQueue;
  /** All nodes share one worker. */
  readonly sharesRoom = true;
  readonly #address: QueueAddress;
  readonly #clients: RedisClients;
  readonly #diagnostics: Diagnostics;
  readonly #consumers: BullMqNodeConsumer[] = [];
  readonly #open = new Set<BullMqNodeConsumer>();
  #queue: Queue | undefined;
  #watch: LossWatch | undefined;
  #worker: JobWorker<EventJob | RecordJob> | undefined;
  #ending: Promise<void> | undefined;
  #returning: NodeJS.Timeout | undefined;

  /** @throws {@link ImproperlyConfigured} for invalid options */
  constructor(options: BullMqEventQueueOptions) {
    checkVersion();
    this.#address = readAddress(options);
    this.#clients = new RedisClients(this.#address.connection);
    this.deadLetters = new DeadLetterQueue(this.#address, options.logger);
    this.#options = options;
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger('BullMqEventQueue'));
  }

  open(node: EventQueueConsumer): EventQueueProducer {
    const { eventsPerJob = 100, bytesPerJob = 1_000_000, job, delivery } = this.#options;
    const queue = (this.#queue ??= this.#options.queue ?? this.#createQueue());
    const watch = (this.#watch ??= this.#startWatch(queue));
    const consumer = new BullMqNodeConsumer(node, {
      isFull: () => sum(this.#consumers, ({ pending }) => pending) >= this.#concurrency,
      isFullOfDeferred: () =>
        sum(this.#consumers, ({ deferred }) => deferred) > Math.max(1, this.#concurrency / 2),
    });
    this.#consumers.push(consumer);
    this.#open.add(consumer);
    const bounds = { events: eventsPerJob, bytes: bytesPerJob };
    const jobs = new JobWriter(queue, node, bounds, { ...JOB_OPTIONS, ...job }, watch);
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

  /**
   * Takes no further jobs, waits for those under way, and closes the connections.
   *
   * @remarks
   * Once the signal aborts, jobs under way have two more seconds to return their events to the queue. Then the connections
   * are closed whatever their state; another worker takes over the jobs that are left.
   */
  async close({ signal }: Deadline = {}): Promise<void> {
    await untilAborted(this.#end(), signal);
    if (signal?.aborted === true) this.#abortSoon();
  }

  /** Ends the queue with its last node. A node is closed again once its destinations have returned their events. */
  async #closeConsumer(consumer: BullMqNodeConsumer, deadline: Deadline): Promise<void> {
    this.#open.delete(consumer);
    const ended = consumer.close();
    if (this.#open.size > 0) consumer.stopAccepting();
    else await this.close(deadline);
    await untilAborted(ended, deadline.signal);
  }

  get #concurrency(): number {
    return this.#worker?.opts.concurrency ?? WORKER_OPTIONS.concurrency;
  }

  #end(): Promise<void> {
    return (this.#ending ??= this.#endGracefully());
  }

  async #endGracefully(): Promise<void> {
    const isIdle = this.#consumers.every((each) => each.isIdle);
    // Without a connection, no job can be under way that this process does not know.
    if (!isIdle || this.#clients.isConnected) await this.#worker?.close().catch(() => {});
    this.#abort();
  }

  #abortSoon(): void {
    if (this.#consumers.every((each) => each.hasEnded)) this.#abort();
    else this.#returning ??= setTimeout(() => this.#abort(), RETURN_TIMEOUT_MS);
  }

  #abort(): void {
    clearTimeout(this.#returning);
    this.#watch?.stop();
    this.#worker?.abort();
    this.#clients.disconnect();
  }

  #createQueue(): Queue {
    const { name, prefix } = this.#address;
    const queue = new Queue(name, {
      connection: this.#clients.open('producer'),
      prefix,
      // Commands report by themselves that Redis is away, or refuses them.
      skipWaitingForReady: true,
      skipVersionCheck: true,
    });
    queue.on('error', (error) => this.#report('the connection', error));
    return queue;
  }

  #startWatch(queue: Queue): LossWatch {
    const watch = new LossWatch(queue, this.#diagnostics);
    void watch.start();
    return watch;
  }

  #work(): void {
    if (this.#worker !== undefined) return;
    const { name, prefix } = this.#address;
    const connection = this.#clients.open('worker');
    const worker = new JobWorker<EventJob | RecordJob>(
      name,
      (job, token) => this.#process(job, token),
      { ...WORKER_OPTIONS, ...this.#options.worker, connection, prefix },
    );
    worker.on('error', (error) => this.#report('the worker', error));
    worker.on('failed', (job, error) =>
      this.#diagnostics.error(
        'jobs',
        `The job ${job?.id ?? 'that stalled'} failed: ${describeRedisError(error)}.`,
      ),
    );
    this.#worker = worker;
  }

  async #process(job: AnyJob, token?: string): Promise<void> {
    const lost = countOfLostEvents(job.id, job.data);
    if (lost !== undefined) {
      this.#reportLost(job, lost);
      return;
    }
    if (isNewerJob(job.data)) {
      this.#reportNewer(job);
      await returnJob(job, NEWER_FORMAT_DELAY_MS, token);
    }
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

  #reportLost({ id }: AnyJob, count: number): void {
    this.#diagnostics.error(
      'lost jobs',
      `Redis has lost the data of the job ${id}, and with it ${count} ${count === 1 ? 'event' : 'events'}. Set ` +
        `maxmemory-policy to noeviction, and keep others from deleting keys.`,
    );
  }

  #reportNewer({ id, data }: AnyJob): void {
    this.#diagnostics.warn(
      'newer jobs',
      `The job ${id} has the format ${data.format}, which this version of nestjs-event-tracking cannot read. It stays in ` +
        `the queue for a newer worker. Update this worker.`,
      { burst: 1 },
    );
  }

  #report(subject: string, error: unknown): void {
    this.#diagnostics.error(subject, `The queue in Redis: ${describeRedisError(error)}.`);
  }
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((total, value) => total + sizeOf(value), 0);
}
