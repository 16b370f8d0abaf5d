import type { ConsumeOptions, QueuedEvent, EventQueueConsumer } from '../core/tree/event-queue.js';

/** A consumer that takes events and does not end before it is told to. */
export class BlockingConsumer {
  /** What it was told by the queue. */
  options: ConsumeOptions | undefined;
  #answer: (events: readonly QueuedEvent[]) => readonly QueuedEvent[] = () => [];
  #release = (): void => {};
  readonly #released = new Promise<void>((resolve) => (this.#release = resolve));

  readonly consume: EventQueueConsumer['consume'] = async (events, options) => {
    this.options = options;
    await this.#released;
    return this.#answer(events);
  };

  /** Lets it end, and says what it leaves undelivered. */
  release(answer?: (events: readonly QueuedEvent[]) => readonly QueuedEvent[]): void {
    if (answer !== undefined) this.#answer = answer;
    this.#release();
  }
}
