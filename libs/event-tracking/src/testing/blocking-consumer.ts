import type { ConsumeOptions, QueuedEvent, EventQueueConsumer } from '../core/tree/event-queue.js';

/** A consumer that receives events and stays busy until it is released. */
export class BlockingConsumer {
  /** The options of the latest call. */
  options: ConsumeOptions | undefined;
  #selectUndelivered: (events: readonly QueuedEvent[]) => readonly QueuedEvent[] = () => [];
  #unblock = (): void => {};
  readonly #released = new Promise<void>((resolve) => (this.#unblock = resolve));

  readonly consume: EventQueueConsumer['consume'] = async (events, options) => {
    this.options = options;
    await this.#released;
    return this.#selectUndelivered(events);
  };

  /** Ends all calls; they return the events that `selectUndelivered` selects. */
  release(selectUndelivered?: (events: readonly QueuedEvent[]) => readonly QueuedEvent[]): void {
    if (selectUndelivered !== undefined) this.#selectUndelivered = selectUndelivered;
    this.#unblock();
  }
}
