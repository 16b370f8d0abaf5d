import { AsyncLocalStorage } from 'node:async_hooks';
import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { answerWithin, type AttemptLimits } from './attempt.js';

/** Registers metadata records with a destination, in their order, before the events that come after them. */
export class Registrations {
  #open: readonly MetadataRecord[] = [];
  #underWay: Promise<void> | undefined;
  /** No request's context reaches the destination. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(
    private readonly destination: Backend,
    private readonly limits: AttemptLimits,
    private readonly report: (record: MetadataRecord, error: string) => void,
  ) {}

  /** Whether all records have been taken. */
  get areDone(): boolean {
    return this.#open.length === 0;
  }

  /** Whether a record has been taken that was added. */
  hasTaken(record: MetadataRecord): boolean {
    return this.#open.every(({ id }) => id !== record.id);
  }

  add(record: MetadataRecord): void {
    this.#open = [...this.#open.filter(({ id }) => id !== record.id), record];
  }

  /** Resolves when all have been taken, or one was not: that is tried again with the next call. Never rejects. */
  settle(): Promise<void> {
    if (this.areDone) return Promise.resolve();
    this.#underWay ??= this.#outside(() => this.#register());
    return this.#underWay;
  }

  async #register(): Promise<void> {
    for (let record = this.#open[0]; record !== undefined; record = this.#open[0]) {
      try {
        await answerWithin(this.#handOver(record), new AbortController(), this.limits);
      } catch (fault) {
        this.report(record, describeError(fault));
        break;
      }
      const taken = record;
      this.#open = this.#open.filter((each) => each !== taken);
    }
    // At once with the last look at what is open: a record that comes next does not take this for its own registration.
    this.#underWay = undefined;
  }

  async #handOver(record: MetadataRecord): Promise<void> {
    await this.destination.register?.(record);
  }
}
