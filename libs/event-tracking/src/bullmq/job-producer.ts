import { createHash } from 'node:crypto';
import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Backend, Deadline } from '../core/backend.js';
import { describeError } from '../core/describe-error.js';
import { RetryableDeliveryError } from '../core/errors.js';
import type { TrackingEvent } from '../core/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { QueueLine } from '../core/event-queue.js';
import { jobOf, recordJobOf } from './event-job.js';
import { reach } from './reach.js';

const JOB = 'events';
const RECORD_JOB = 'metadata';

/** Hands the events of one node over to BullMQ, chunked into jobs. */
export class JobProducer implements Backend {
  /** How often Redis has refused jobs. */
  #refusals = 0;

  constructor(
    private readonly queue: Queue,
    private readonly line: QueueLine,
    private readonly eventsPerJob: number,
    private readonly options: JobsOptions,
  ) {}

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const { tracker, path } = this.line.place();
    const chunks = chunksOf(events, this.eventsPerJob);
    const jobs = chunks.map((chunk) => ({
      name: JOB,
      data: jobOf(
        tracker,
        path,
        chunk.map((event) => ({ event, path })),
      ),
      // The same chunk, added again because the answer was lost, is the same job.
      opts: { ...this.options, jobId: this.#idOf(chunk) },
    }));
    try {
      await this.queue.addBulk(jobs);
    } catch (error) {
      // What it has of a job that it refused, in the midst of it, would pass for the job when that comes again.
      if (error instanceof Error && error.name === 'ReplyError') this.#refusals++;
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
  }

  async register(record: MetadataRecord): Promise<void> {
    const { tracker, path } = this.line.place();
    const job = await this.queue.add(RECORD_JOB, recordJobOf(tracker, path, record), {
      ...this.options,
      // However many applications register it at the same time, it is one job.
      jobId: ['metadata', ...[record.id, tracker, path].map(encodeURIComponent)].join('.'),
    });
    if (await job.isFailed()) await tryAgain(job);
  }

  /** Names all events: one that comes again, together with others than before, must not hide those. */
  #idOf(chunk: readonly TrackingEvent[]): string {
    const { tracker, path } = this.line.place();
    const content = [this.#refusals, tracker, path, ...chunk.map(({ id }) => id)];
    return createHash('sha256').update(JSON.stringify(content)).digest('hex');
  }

  async check(deadline: Deadline = {}): Promise<void> {
    await reach(this.queue, deadline);
  }
}

/** What was given up once would be in the way of all that register it later. */
async function tryAgain(job: Job): Promise<void> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
  } catch (error) {
    if (await job.isFailed()) throw error; // else somebody was faster
  }
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < all.length; start += size)
    chunks.push(all.slice(start, start + size));
  return chunks;
}
