import { randomUUID } from 'node:crypto';
import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Backend, Deadline } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import { jobOfNew, recordJobOf } from './event-job.js';
import { reach } from './reach.js';

const JOB = 'events';
const RECORD_JOB = 'metadata';

/** Hands the events of one node over to BullMQ, chunked into jobs. */
export class JobProducer implements Backend {
  /**
   * What jobs are called, by the first of their events: a chunk that is added again, because the answer was lost, is the
   * same job.
   */
  readonly #names = new WeakMap<TrackingEvent, string>();

  constructor(
    private readonly queue: Queue,
    private readonly line: EventQueueConsumer,
    private readonly eventsPerJob: number,
    private readonly options: JobsOptions,
  ) {}

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const { tracker, path } = this.line.position();
    const chunks = chunksOf(events, this.eventsPerJob);
    const jobs = chunks.map((chunk) => ({
      name: JOB,
      data: jobOfNew(tracker, path, chunk),
      opts: { ...this.options, jobId: this.#idOf(chunk) },
    }));
    try {
      await this.queue.addBulk(jobs);
    } catch (error) {
      // What it has of a job that it refused, in the midst of it, would pass for the job when that comes again.
      if (error instanceof Error && error.name === 'ReplyError') this.#forget(chunks);
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
  }

  async register(record: MetadataRecord): Promise<void> {
    const { tracker, path } = this.line.position();
    const job = await this.queue.add(RECORD_JOB, recordJobOf(tracker, path, record), {
      ...this.options,
      // However many applications register it at the same time, it is one job.
      jobId: ['metadata', ...[record.id, tracker, path].map(encodeURIComponent)].join('.'),
    });
    if (await job.isFailed()) await tryAgain(job);
  }

  #idOf(chunk: readonly TrackingEvent[]): string {
    const first = chunk[0]!;
    const name = this.#names.get(first) ?? randomUUID();
    this.#names.set(first, name);
    return `${name}.${chunk.length}`;
  }

  #forget(chunks: readonly TrackingEvent[][]): void {
    for (const [first] of chunks) this.#names.delete(first!);
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
