import type { Outcome } from '../core/backend.js';

/** A message that the client has, and who is to be told what became of it. */
export interface OpenMessage {
  readonly id: string;
  end(outcome: Outcome): void;
}

/** The messages that the client has; the same one may have been handed over several times. */
export class OpenMessages {
  readonly #byId = new Map<string, OpenMessage[]>();

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  add(message: OpenMessage): void {
    const same = this.#byId.get(message.id);
    if (same === undefined) this.#byId.set(message.id, [message]);
    else same.push(message);
  }

  /** Takes away the message of this id that has waited longest. */
  take(id: string): OpenMessage | undefined {
    const same = this.#byId.get(id);
    const message = same?.shift();
    if (same?.length === 0) this.#byId.delete(id);
    return message;
  }

  /** Forgets messages that nobody waits for any more. */
  forget(messages: readonly OpenMessage[]): void {
    for (const message of messages) {
      const others = this.#byId.get(message.id)?.filter((each) => each !== message) ?? [];
      if (others.length === 0) this.#byId.delete(message.id);
      else this.#byId.set(message.id, others);
    }
  }
}
