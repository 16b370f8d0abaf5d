import type { JobsOptions, Queue } from 'bullmq';
import type { Backend, Deadline } from '../core/backend.js';
import { describeError } from '../core/describe-error.js';
import { RetryableDeliveryError } from '../core/errors.js';
import type { TrackingEvent } from '../core/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { QueueLine } from '../core/event-queue.js';
import { jobOf, recordJobOf } from './event-job.js';

const JOB = 'events';
const RECORD_JOB = 'metadata';

/** Hands the events of one node over to BullMQ, chunked into jobs. */
export class JobProducer implements Backend {
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
      opts: { ...this.options, jobId: idOf(chunk, tracker, path) },
    }));
    try {
      await this.queue.addBulk(jobs);
    } catch (error) {
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
  }

  async register(record: MetadataRecord): Promise<void> {
    const { tracker, path } = this.line.place();
    // However many applications register it at the same time, it is one job.
    const jobId = `metadata.${record.id}.${tracker}.${path}`.replaceAll(':', '_');
    await this.queue.add(RECORD_JOB, recordJobOf(tracker, path, record), {
      ...this.options,
      jobId,
    });
  }

  async check({ signal }: Deadline = {}): Promise<void> {
    await this.queue.getJobCounts('wait');
    signal?.throwIfAborted();
  }
}

/** BullMQ keeps colons to itself. */
function idOf(chunk: readonly TrackingEvent[], tracker: string, path: string): string {
  return `${chunk[0]!.id}.${chunk.length}.${tracker}.${path}`.replaceAll(':', '_');
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < all.length; start += size)
    chunks.push(all.slice(start, start + size));
  return chunks;
}
