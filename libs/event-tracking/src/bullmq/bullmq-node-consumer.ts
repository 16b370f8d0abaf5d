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

export type AnyJob = Job<EventJob | RecordJob>;

/** The delay before a worker may take a job that this one returned. */
const RETURN_DELAY_MS = 250;
/** The first delay of a job whose destinations hold up others; it doubles each time. */
const SHORTEST_DEFERRAL_MS = 1_000;
const LONGEST_DEFERRAL_MS = 30_000;

/** The jobs that a worker processes at the same time, over all of its nodes. */
export interface WorkerRoom {
  /** Whether no further job can be processed now. */
  isFull(): boolean;
  /** Whether jobs of events that destinations have missed leave no room for new events. */
  isFullOfDeferred(): boolean;
}

/** Processes the jobs of one node. */
export class BullMqNodeConsumer {
  readonly #pending = new Set<Promise<void>>();
  #deferred = 0;
  #isClosed = false;
  #hasEnded = false;
  #hasStopped = false;

  constructor(
    private readonly consumer: EventQueueConsumer,
    private readonly room: WorkerRoom,
  ) {}

  /** How many jobs it processes now. */
  get pending(): number {
    return this.#pending.size;
  }

  /** How many of them were deferred before. */
  get deferred(): number {
    return this.#deferred;
  }

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
    const isDeferred = deferralsOf(job) > 0;
    this.#pending.add(processing);
    if (isDeferred) this.#deferred++;
    try {
      await processing;
    } finally {
      this.#pending.delete(processing);
      if (isDeferred) this.#deferred--;
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
    if (deferralsOf(job) > 0 && this.room.isFullOfDeferred()) return deferJob(job, token);
    const isFull = (): boolean => this.room.isFull();
    const undelivered = await this.consumer.consume(good, { keeps: true, isFull });
    if (undelivered.length + bad.length === 0) return;
    const rest = jobOf(tracker, path, undelivered);
    rest.events.push(...bad.map(({ jobEvent }) => jobEvent));
    const isDeferred = undelivered.length > 0 && undelivered.every((each) => each.isDeferred);
    if (isDeferred) rest.deferrals = deferralsOf(job) + 1;
    await job.updateData(rest);
    if (isDeferred) await deferJob(job, token);
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
  throw new DelayedError('The job was returned before all events were delivered.');
}

/** Returns a job until its destinations may have recovered, so that the worker can process others. */
async function deferJob(job: AnyJob, token?: string): Promise<never> {
  const longest = SHORTEST_DEFERRAL_MS * 2 ** Math.max(0, deferralsOf(job) - 1);
  const delay = Math.min(LONGEST_DEFERRAL_MS, longest) * (0.5 + Math.random() / 2);
  return returnJob(job, Math.round(delay), token);
}

function deferralsOf({ data }: AnyJob): number {
  return isRecordJob(data) ? 0 : (data.deferrals ?? 0);
}
