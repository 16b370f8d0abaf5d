import { DelayedError, type Job } from 'bullmq';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import {
  eventsOf,
  isRecordJob,
  jobOf,
  recordOfJob,
  type EventJob,
  type RecordJob,
} from './event-job.js';

/** The job of a worker. */
export type AnyJob = Job<EventJob | RecordJob>;

/** The delay before a worker may take a job that this one returned. */
const RETURN_DELAY_MS = 250;

/** Processes the jobs of one node. */
export class BullMqNodeConsumer {
  readonly #pending = new Set<Promise<void>>();
  #isClosed = false;
  #hasEnded = false;
  #hasStopped = false;

  constructor(private readonly consumer: EventQueueConsumer) {}

  /** Whether a job belongs to the node. */
  has({ tracker, path }: EventJob | RecordJob): boolean {
    const position = this.consumer.position();
    return position.tracker === tracker && position.path === path;
  }

  /** Delivers a job's events to the node's children; rejects if some have not ended. */
  async process(job: AnyJob, token?: string): Promise<void> {
    const processing = this.#hasStopped
      ? returnJob(job, RETURN_DELAY_MS, token)
      : this.#consume(job, token);
    this.#pending.add(processing);
    try {
      await processing;
    } finally {
      this.#pending.delete(processing);
    }
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Whether no job can return events any more: there is none, or the node was closed again after its destinations. */
  get hasEnded(): boolean {
    return this.isIdle || this.#hasEnded;
  }

  /** Returns undelivered events of jobs from now on; resolves when jobs under way have ended. */
  async close(): Promise<void> {
    this.#hasEnded = this.#isClosed;
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
  }

  /** Returns further jobs, while the worker still processes those of other nodes. */
  stopAccepting(): void {
    this.#hasStopped = true;
  }

  async #consume(job: AnyJob, token?: string): Promise<void> {
    if (isRecordJob(job.data)) return this.#register(recordOfJob(job.data), job, token);
    const { tracker, path } = job.data;
    const { good, bad } = eventsOf(job.data);
    const undelivered = await this.consumer.consume(good, { keeps: true });
    if (undelivered.length + bad.length === 0) return;
    const rest = jobOf(tracker, path, undelivered);
    rest.events.push(...bad.map(({ jobEvent }) => jobEvent));
    await job.updateData(rest);
    if (this.#isClosed && undelivered.length > 0) await returnJob(job, 0, token);
    if (undelivered.length === 0) throw bad[0]!.error;
    const missing = new Set(undelivered.map((each) => `'${each.path}'`));
    throw new Error(
      `This worker could not deliver to ${[...missing].join(', ')}: a backend that it does not have, or closed. Workers ` +
        `and applications need the same backends.`,
    );
  }

  /** A record that a destination did not accept is retried by the job's options. */
  async #register(record: MetadataRecord, job: AnyJob, token?: string): Promise<void> {
    try {
      await this.consumer.register(record);
    } catch (error) {
      if (this.#isClosed) await returnJob(job, 0, token);
      throw error;
    }
  }
}

/** Puts a job back into the queue, without counting an attempt; rejects as BullMQ demands. */
export async function returnJob(job: AnyJob, delay: number, token?: string): Promise<never> {
  await job.moveToDelayed(Date.now() + delay, token);
  throw new DelayedError('The job was returned to the queue.');
}
