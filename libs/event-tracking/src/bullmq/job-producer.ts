import { randomUUID } from 'node:crypto';
import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Backend, Deadline } from '../core/tree/backend.js';
import { PermanentDeliveryError, RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { packEvent } from '../core/tree/packed-event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { EventQueueConsumer } from '../core/tree/event-queue.js';
import { jobOfNew, recordJobOf } from './event-job.js';
import { ensureConnected, ping } from './ping.js';
import { describeRedisError } from './redis-error.js';

const JOB = 'events';
const RECORD_JOB = 'metadata';

/** How much one job holds at most; the bound that is reached first ends the job. */
export interface JobBounds {
  events: number;
  /** Of JSON; a single larger event has a job of its own. */
  bytes: number;
}

/** A batch that BullMQ has not answered for yet. */
interface OpenBatch {
  count: number;
  added: Promise<unknown>;
}

/** Hands the events of one node over to BullMQ, chunked into jobs. */
export class JobProducer implements Backend {
  /** Job names by first event: a chunk that is added again after a lost answer is the same job. */
  readonly #names = new WeakMap<TrackingEvent, string>();
  /** Open batches by first event: a retry waits for the earlier attempt instead of repeating it. */
  readonly #open = new WeakMap<TrackingEvent, OpenBatch>();

  constructor(
    private readonly queue: Queue,
    private readonly node: EventQueueConsumer,
    private readonly bounds: JobBounds,
    private readonly options: JobsOptions,
  ) {}

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> {
    if (this.#openBatch(events) === undefined) await this.#connected(signal);
    await (this.#openBatch(events) ?? this.#begin(events));
  }

  #openBatch(events: readonly TrackingEvent[]): Promise<unknown> | undefined {
    const open = this.#open.get(events[0]!);
    return open?.count === events.length ? open.added : undefined;
  }

  async #begin(events: readonly TrackingEvent[]): Promise<void> {
    const added = this.#add(events);
    this.#open.set(events[0]!, { count: events.length, added });
    try {
      await added;
    } finally {
      this.#open.delete(events[0]!);
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

  async #add(events: readonly TrackingEvent[]): Promise<void> {
    const { tracker, path } = this.node.position();
    let chunks: TrackingEvent[][] = [];
    try {
      chunks = chunksOf(events, this.bounds);
      await this.queue.addBulk(
        chunks.map((chunk) => ({
          name: JOB,
          data: jobOfNew(tracker, path, chunk),
          opts: { ...this.options, jobId: this.#idOf(chunk) },
        })),
      );
    } catch (error) {
      // Redis may hold half of a rejected job; under the same id, the retry would look like a duplicate.
      if (error instanceof Error && error.name === 'ReplyError') this.#forget(chunks);
      const Failure = isTooLarge(error) ? PermanentDeliveryError : RetryableDeliveryError;
      throw new Failure(`${describeRedisError(error)}.`, { cause: error });
    }
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
    await ping(this.queue, deadline);
  }
}

/** A failed job would block later registrations of the same record. */
async function tryAgain(job: Job): Promise<void> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
  } catch (error) {
    if (await job.isFailed()) throw error; // else somebody was faster
  }
}

function chunksOf(events: readonly TrackingEvent[], bounds: JobBounds): TrackingEvent[][] {
  const chunks: TrackingEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(packEvent(event)));
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length === bounds.events || bytes + size > bounds.bytes) {
      chunks.push([event]);
      bytes = size;
    } else {
      chunk.push(event);
      bytes += size;
    }
  }
  return chunks;
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
