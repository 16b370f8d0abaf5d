const BATCHES_PER_SECOND = 10;

/** Limits how many items start per second. Slow items are not made up for later. */
export class RateLimiter {
  #nextStart = performance.now();

  /** @param rate - items per second; Infinity for no limit */
  constructor(private readonly rate: number) {}

  /** The number of items to start together, so that a second's items are spread over it. */
  get batchSize(): number {
    return Math.ceil(this.rate / BATCHES_PER_SECOND);
  }

  /** Resolves when the given number of items may start. */
  async acquire(count: number): Promise<void> {
    const now = performance.now();
    const delay = this.#nextStart - now;
    this.#nextStart = Math.max(this.#nextStart, now) + (count / this.rate) * 1_000;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
