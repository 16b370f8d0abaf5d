import type { Outcome } from '../core/tree/backend.js';

/** The messages of one call, until it is known of each what became of it. */
export class OpenBatch {
  readonly outcomes: Promise<Outcome[]>;
  readonly #outcomes: Outcome[] = [];
  /** By place; nothing where it is known. */
  readonly #ids: (string | undefined)[];
  #open: number;
  /** Where the first one stands that is open: the client mostly ends them in order. */
  #next = 0;
  #resolve!: (outcomes: Outcome[]) => void;

  constructor(ids: readonly string[]) {
    this.#ids = [...ids];
    this.#open = ids.length;
    this.outcomes = new Promise((resolve) => (this.#resolve = resolve));
  }

  get isOpen(): boolean {
    return this.#open > 0;
  }

  /** Tells whether the message of this id is the first that is open. */
  expects(id: string): boolean {
    return this.#ids[this.#next] === id;
  }

  /** Where the first open message of this id stands; -1 where none does. */
  placeOf(id: string): number {
    return this.#ids.indexOf(id, this.#next);
  }

  end(place: number, outcome: Outcome): void {
    this.#outcomes[place] = outcome;
    this.#ids[place] = undefined;
    while (this.#next < this.#ids.length && this.#ids[this.#next] === undefined) this.#next++;
    if (--this.#open === 0) this.#resolve(this.#outcomes);
  }
}

/** The messages that the client has. */
export class OpenMessages {
  readonly #batches = new Set<OpenBatch>();

  get isEmpty(): boolean {
    return this.#batches.size === 0;
  }

  add(batch: OpenBatch): void {
    this.#batches.add(batch);
  }

  /** Ends a message of this id; what is not of ours is none. */
  end(id: string, outcome: Outcome): void {
    const batch = this.#batchWith(id);
    if (batch === undefined) return;
    batch.end(batch.placeOf(id), outcome);
    if (!batch.isOpen) this.#batches.delete(batch);
  }

  /** Forgets the messages of a batch, for which nobody waits any more. */
  forget(batch: OpenBatch): void {
    this.#batches.delete(batch);
  }

  #batchWith(id: string): OpenBatch | undefined {
    for (const batch of this.#batches) if (batch.expects(id)) return batch;
    for (const batch of this.#batches) if (batch.placeOf(id) !== -1) return batch;
    return undefined;
  }
}
