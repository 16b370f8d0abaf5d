import { AsyncLocalStorage } from 'node:async_hooks';
import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { answerWithin, type AttemptLimits } from './attempt.js';

/** Registers metadata records with a destination, in order, before the events that follow them. */
export class MetadataRegistrar {
  #open: readonly MetadataRecord[] = [];
  #underWay: Promise<void> | undefined;
  /** Runs a function outside the context of the caller, so that no request's context reaches the destination. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(
    private readonly destination: Backend,
    private readonly limits: AttemptLimits,
    private readonly report: (record: MetadataRecord, error: string) => void,
  ) {}

  /** Whether the destination has taken all records. */
  get isDone(): boolean {
    return this.#open.length === 0;
  }

  /** Whether the destination has taken a record that was added. */
  hasTaken(record: MetadataRecord): boolean {
    return this.#open.every(({ id }) => id !== record.id);
  }

  add(record: MetadataRecord): void {
    this.#open = [...this.#open.filter(({ id }) => id !== record.id), record];
  }

  /** Registers all open records until one fails, which the next call tries again; never rejects. */
  register(): Promise<void> {
    if (this.isDone) return Promise.resolve();
    this.#underWay ??= this.#outside(() => this.#registerOpen());
    return this.#underWay;
  }

  async #registerOpen(): Promise<void> {
    for (let record = this.#open[0]; record !== undefined; record = this.#open[0]) {
      try {
        await answerWithin(this.#send(record), new AbortController(), this.limits);
      } catch (error) {
        this.report(record, describeError(error));
        break;
      }
      const taken = record;
      this.#open = this.#open.filter((each) => each !== taken);
    }
    // In the same turn as the last check, so that the next record starts a run of its own.
    this.#underWay = undefined;
  }

  async #send(record: MetadataRecord): Promise<void> {
    await this.destination.register?.(record);
  }
}
