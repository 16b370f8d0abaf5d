import type { Job, JobsOptions, Queue } from 'bullmq';
import { describeError } from '../core/diagnostics/describe.js';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { PermanentDeliveryError, RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import { jobOfNew, recordJobOf } from './event-job.js';
import { JobChunks, type Chunk, type JobBounds } from './job-chunks.js';
import type { LossWatch } from './loss-watch.js';
import { ensureConnected, ping } from './ping.js';
import { describeRedisError, isRefusal } from './redis-error.js';

const JOB = 'events';
const RECORD_JOB = 'metadata';

/** Hands the events of one node over to BullMQ, chunked into jobs. */
export class JobWriter implements Backend {
  readonly #chunks: JobChunks;

  constructor(
    private readonly queue: Queue,
    private readonly node: EventQueueConsumer,
    bounds: JobBounds,
    private readonly options: JobsOptions,
    private readonly watch: Pick<LossWatch, 'epoch' | 'countAdded'>,
  ) {
    this.#chunks = new JobChunks(bounds);
  }

  async send(event: TrackingEvent): Promise<void> {
    const [outcome] = await this.sendBatch([event]);
    if (outcome?.ok === false) throw outcome.error;
  }

  /** Adds a job for each chunk. A retry waits for unanswered jobs of an earlier attempt instead of adding them again. */
  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<readonly Outcome[]> {
    const chunks = this.#divide(events);
    if (chunks.some(({ added }) => added === undefined)) await this.#connected(signal);
    const outcomes = await Promise.all(chunks.map((chunk) => (chunk.added ??= this.#add(chunk))));
    return outcomes.flat();
  }

  #divide(events: readonly TrackingEvent[]): Chunk[] {
    try {
      return this.#chunks.divide(events);
    } catch (error) {
      // The JSON of an event is longer than a string can be: the batch is halved until it is found.
      throw new PermanentDeliveryError(describeError(error), { cause: error });
    }
  }

  /** Rejects instead of leaving commands in the client of the application, where each retry would add to them. */
  async #connected(signal?: AbortSignal): Promise<void> {
    try {
      await ensureConnected(this.queue, { signal });
      signal?.throwIfAborted();
    } catch (error) {
      throw new RetryableDeliveryError((error as Error).message, { cause: error });
    }
  }

  async #add(chunk: Chunk): Promise<readonly Outcome[]> {
    const { tracker, path } = this.node.position();
    const { epoch } = this.watch;
    try {
      const data = jobOfNew(tracker, path, chunk.events);
      const opts = { ...this.options, jobId: chunk.id };
      const added = await this.queue.addBulk([{ name: JOB, data, opts }]);
      expectAdded(added, 1);
      this.watch.countAdded(epoch);
      return chunk.events.map(() => ({ ok: true }));
    } catch (error) {
      chunk.added = undefined; // a success stays: the attempt that asked may have timed out
      return this.#outcomesOf(chunk, error);
    }
  }

  async #outcomesOf(chunk: Chunk, cause: unknown): Promise<readonly Outcome[]> {
    // Redis may hold half of a rejected job; under the same id, the retry would look like a duplicate.
    if (isReply(cause) && !isRefusal(cause)) this.#chunks.forget(chunk);
    const isLarge = isTooLarge(cause);
    if (isLarge && chunk.events.length > 1) {
      const halves = this.#chunks.halve(chunk);
      return (await Promise.all(halves.map((half) => (half.added = this.#add(half))))).flat();
    }
    const Failure = isLarge ? PermanentDeliveryError : RetryableDeliveryError;
    const error = new Failure(`${describeRedisError(cause)}.`, { cause });
    return chunk.events.map(() => ({ ok: false, error, retryable: !isLarge }));
  }

  async register(record: MetadataRecord): Promise<void> {
    await this.#connected();
    const { tracker, path } = this.node.position();
    const job = await this.queue.add(RECORD_JOB, recordJobOf(tracker, path, record), {
      ...this.options,
      // However many applications register it at the same time, it is one job.
      jobId: ['metadata', ...[record.id, tracker, path].map(encodeURIComponent)].join('.'),
    });
    if (await job.isFailed()) await tryAgain(job);
  }

  async check(deadline: Deadline = {}): Promise<void> {
    await ping(this.queue, deadline);
  }
}

/** Only jobs with ids are in Redis. */
function expectAdded(added: unknown, count: number): void {
  const jobs = Array.isArray(added) ? (added as Partial<Job>[]) : [];
  if (jobs.length === count && jobs.every(({ id }) => typeof id === 'string' && id !== '')) return;
  throw new Error(`BullMQ has not confirmed all of ${count} jobs`);
}

/** A failed job would block later registrations of the same record. */
async function tryAgain(job: Job): Promise<void> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
  } catch (error) {
    if (await job.isFailed()) throw error; // else somebody was faster
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Whether JSON, BullMQ (`sizeLimit`), Redis or its hosting refused a job for its size. */
function isTooLarge(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return (
    error instanceof Error &&
    /exceeds the limit \d+ bytes|invalid bulk length|too (large|big)|max(imum)? request size/i.test(
      error.message,
    )
  );
}
