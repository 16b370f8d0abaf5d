import type { Outcome } from '../core/tree/backend.js';

/** Collects the outcomes of the messages of one call. */
export class OpenBatch {
  readonly outcomes: Promise<Outcome[]>;
  readonly #outcomes: Outcome[] = [];
  #open: number;
  #resolve!: (outcomes: Outcome[]) => void;

  constructor(count: number) {
    this.#open = count;
    this.outcomes = new Promise((resolve) => (this.#resolve = resolve));
  }

  settle(index: number, outcome: Outcome): void {
    this.#outcomes[index] = outcome;
    if (--this.#open === 0) this.#resolve(this.#outcomes);
  }
}

/**
 * Finds the batch of each message that the client has accepted.
 *
 * @remarks
 * A key belongs to one attempt to send one message. An event's id would not do: the late answer to an attempt that timed out
 * would decide the next one.
 */
export class OpenMessages {
  readonly #messages = new Map<string, { batch: OpenBatch; index: number }>();

  get isEmpty(): boolean {
    return this.#messages.size === 0;
  }

  add(key: string, batch: OpenBatch, index: number): void {
    this.#messages.set(key, { batch, index });
  }

  /** Settles a message; ignores messages of the application and of attempts that have ended. */
  settle(key: string, outcome: Outcome): void {
    const message = this.#messages.get(key);
    if (message === undefined) return;
    this.#messages.delete(key);
    message.batch.settle(message.index, outcome);
  }

  /** Forgets the messages of an attempt that has ended. */
  forget(keys: readonly string[]): void {
    for (const key of keys) this.#messages.delete(key);
  }
}
