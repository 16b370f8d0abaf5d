import { Logger } from '@nestjs/common';
import { Queue, type Job } from 'bullmq';
import type { Backend } from '../core/tree/backend.js';
import { Diagnostics, type DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { packEvent, type PackedEvent } from '../core/tree/packed-event.js';
import {
  deadLetterKey,
  letterIn,
  type DeadLetter,
  type DeadLetterStore,
} from '../delivery/dead-letter.js';
import type { QueueAddress } from './bullmq-event-queue-options.js';
import { connected, RedisClients } from './redis-clients.js';
import { describeRedisError } from './redis-error.js';

const JOB = 'dead-letter';
const PAGE = 100;

/**
 * Dead letters in a queue of BullMQ that nobody works off: a job for each, in `<name of the queue>-dead-letters`.
 *
 * @remarks Letters are rare: it connects for a batch and no longer.
 */
export class DeadLetterQueue implements Backend, DeadLetterStore {
  readonly #address: QueueAddress;
  readonly #diagnostics: Diagnostics;

  /** @param logger - logs unreadable letters; defaults to Nest's logger */
  constructor(
    { name, ...address }: QueueAddress,
    logger: DiagnosticLogger = new Logger('DeadLetterQueue'),
  ) {
    this.#diagnostics = new Diagnostics(logger);
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
      throw new RetryableDeliveryError(`${describeRedisError(error)}.`, { cause: error });
    }
  }

  /** Returns all letters, the oldest first; reports and skips other jobs. */
  async *read(): AsyncGenerator<DeadLetter> {
    const ids = await this.#use((queue) => queue.getRanges(['wait'], 0, -1, true));
    for (let start = 0; start < ids.length; start += PAGE) {
      const page = ids.slice(start, start + PAGE);
      const jobs = await this.#use((queue) => Promise.all(page.map((id) => queue.getJob(id))));
      yield* jobs.flatMap((job) =>
        job === undefined ? [] : this.#letterOf(job as Job<PackedEvent>),
      );
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    await this.#use((queue) => Promise.all(letters.map((letter) => queue.remove(idOf(letter)))));
  }

  async close(): Promise<void> {}

  #letterOf(job: Job<PackedEvent>): DeadLetter[] {
    const letter = letterIn(job.data);
    if (letter !== undefined) return [letter];
    const { name } = this.#address;
    this.#diagnostics.error(
      `job ${job.id}`,
      `The job ${job.id} in ${name} is not a dead letter, and was skipped.`,
      { burst: 1 },
    );
    return [];
  }

  async #use<T>(work: (queue: Queue) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { name, prefix, connection } = this.#address;
    const clients = new RedisClients(connection);
    const queue = new Queue(name, {
      connection: clients.open('dead-letters'),
      prefix,
      skipWaitingForReady: true,
      skipVersionCheck: true,
    });
    queue.on('error', () => {}); // failed calls also reject
    const end = (): void => clients.disconnect(); // ends the work too
    signal?.addEventListener('abort', end, { once: true });
    try {
      await connected(await queue.getBackend().client, { signal });
      return await work(queue);
    } finally {
      signal?.removeEventListener('abort', end);
      end();
    }
  }
}

/** BullMQ keeps colons to itself. */
function idOf(letter: DeadLetter): string {
  return encodeURIComponent(deadLetterKey(letter));
}
