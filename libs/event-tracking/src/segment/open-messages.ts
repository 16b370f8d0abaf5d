import type { Outcome } from '../core/backend.js';

/** The messages of one call, until it is known of each what became of it. */
export class OpenBatch {
  readonly outcomes: Promise<Outcome[]>;
  readonly #outcomes: Outcome[];
  #open: number;
  #resolve!: (outcomes: Outcome[]) => void;

  constructor(size: number) {
    this.#outcomes = Array.from({ length: size }, () => DELIVERED);
    this.#open = size;
    this.outcomes = new Promise((resolve) => (this.#resolve = resolve));
  }

  end(index: number, outcome: Outcome): void {
    this.#outcomes[index] = outcome;
    if (--this.#open === 0) this.#resolve(this.#outcomes);
  }
}

/** What became of a message that Segment took. */
export const DELIVERED: Outcome = { ok: true };

interface OpenMessage {
  readonly batch: OpenBatch;
  readonly index: number;
  /** The same message, handed over again while it was open. */
  next: OpenMessage | undefined;
}

/** The messages that the client has. */
export class OpenMessages {
  readonly #byId = new Map<string, OpenMessage>();

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  add(id: string, batch: OpenBatch, index: number): void {
    const message: OpenMessage = { batch, index, next: undefined };
    let last = this.#byId.get(id);
    if (last === undefined) {
      this.#byId.set(id, message);
      return;
    }
    while (last.next !== undefined) last = last.next;
    last.next = message;
  }

  /** Ends the message of this id that has been open longest. */
  end(id: string, outcome: Outcome): void {
    const message = this.#byId.get(id);
    if (message === undefined) return;
    if (message.next === undefined) this.#byId.delete(id);
    else this.#byId.set(id, message.next);
    message.batch.end(message.index, outcome);
  }

  /** Forgets the messages of a batch, for which nobody waits any more. */
  forget(ids: Iterable<string>, batch: OpenBatch): void {
    for (const id of ids) {
      const others: OpenMessage[] = [];
      for (let each = this.#byId.get(id); each !== undefined; each = each.next) {
        if (each.batch !== batch) others.push(each);
      }
      this.#byId.delete(id);
      for (const other of others) this.add(id, other.batch, other.index);
    }
  }
}
