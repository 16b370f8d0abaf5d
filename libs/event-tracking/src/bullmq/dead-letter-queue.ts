import { Queue, type Job } from 'bullmq';
import type { Backend } from '../core/backend.js';
import { describeError } from '../core/describe-error.js';
import { RetryableDeliveryError } from '../core/errors.js';
import type { TrackingEvent } from '../core/event.js';
import { packEvent, unpackEvent, type PackedEvent } from '../core/packed-event.js';
import {
  deadLetterKey,
  isDeadLetter,
  type DeadLetter,
  type DeadLetterStore,
} from '../delivery/dead-letter.js';
import type { QueueAddress } from './bullmq-event-queue-options.js';

const JOB = 'dead-letter';
const PAGE = 100;

/**
 * Dead letters in a queue of BullMQ that nobody works off: a job for each, in `<name of the queue>-dead-letters`.
 *
 * @remarks Letters are rare: it connects for a batch and no longer.
 */
export class DeadLetterQueue implements Backend, DeadLetterStore {
  readonly #address: QueueAddress;

  constructor({ name, ...address }: QueueAddress) {
    this.#address = { ...address, name: `${name}-dead-letters` };
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> {
    const jobs = events.map((event) => ({
      name: JOB,
      data: packEvent(event),
      opts: { jobId: idOf(event as DeadLetter) },
    }));
    try {
      await this.#use((queue) => queue.addBulk(jobs), signal);
    } catch (error) {
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
  }

  async *read(): AsyncGenerator<DeadLetter> {
    const ids = await this.#use((queue) => queue.getRanges(['wait'], 0, -1, true));
    for (let start = 0; start < ids.length; start += PAGE) {
      const page = ids.slice(start, start + PAGE);
      const jobs = await this.#use((queue) => Promise.all(page.map((id) => queue.getJob(id))));
      yield* jobs.flatMap((job) => letterOf(job as Job<PackedEvent> | undefined));
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    await this.#use((queue) => Promise.all(letters.map((letter) => queue.remove(idOf(letter)))));
  }

  async close(): Promise<void> {}

  async #use<T>(work: (queue: Queue) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { name, prefix, connection } = this.#address;
    const queue = new Queue(name, { connection, prefix });
    queue.on('error', () => {}); // what cannot be done is rejected too
    const end = (): void => void queue.close().catch(() => {}); // ends the work too
    signal?.addEventListener('abort', end, { once: true });
    try {
      return await work(queue);
    } finally {
      signal?.removeEventListener('abort', end);
      await queue.close();
    }
  }
}

function letterOf(job: Job<PackedEvent> | undefined): DeadLetter[] {
  if (job === undefined) return [];
  const letter = unpackEvent(job.data);
  return isDeadLetter(letter) ? [letter] : [];
}

/** BullMQ keeps colons to itself. */
function idOf(letter: DeadLetter): string {
  return encodeURIComponent(deadLetterKey(letter));
}
