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

/** How long a job is left to others that this worker cannot do any more. */
const LEFT_TO_OTHERS_MS = 250;

/** One node's share of the jobs. */
export class BullMqLine {
  readonly #underWay = new Set<Promise<void>>();
  #isClosed = false;
  #isRefusing = false;

  constructor(private readonly line: EventQueueConsumer) {}

  /** Whether a job belongs to the node. */
  has({ tracker, path }: EventJob | RecordJob): boolean {
    const place = this.line.position();
    return place.tracker === tracker && place.path === path;
  }

  /** Delivers a job's events to the node's children; rejects if some have not ended. */
  async take(job: AnyJob, token?: string): Promise<void> {
    const taking = this.#isRefusing
      ? giveBack(job, LEFT_TO_OTHERS_MS, token)
      : this.#consume(job, token);
    this.#underWay.add(taking);
    try {
      await taking;
    } finally {
      this.#underWay.delete(taking);
    }
  }

  /** Returns undelivered events of jobs from now on; resolves when jobs under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
  }

  /** Takes no further jobs, though the worker does, for other nodes. */
  refuse(): void {
    this.#isRefusing = true;
  }

  async #consume(job: AnyJob, token?: string): Promise<void> {
    if (isRecordJob(job.data)) return this.#register(recordOfJob(job.data), job, token);
    const { tracker, path } = job.data;
    const { good, bad } = eventsOf(job.data);
    const undelivered = await this.line.consume(good, { keeps: true });
    if (undelivered.length + bad.length === 0) return;
    const rest = jobOf(tracker, path, undelivered);
    rest.events.push(...bad.map(({ jobEvent }) => jobEvent));
    await job.updateData(rest);
    if (this.#isClosed && undelivered.length > 0) await giveBack(job, 0, token);
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
      await this.line.register(record);
    } catch (error) {
      if (this.#isClosed) await giveBack(job, 0, token);
      throw error;
    }
  }
}

async function giveBack(job: AnyJob, delay: number, token?: string): Promise<never> {
  await job.moveToDelayed(Date.now() + delay, token);
  throw new DelayedError('The worker was stopped before all events were delivered.');
}
