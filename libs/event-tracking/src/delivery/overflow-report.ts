const INTERVAL_MS = 1_000;

/** Counts drops, and says how many there were at most once a second: one by one they would cost more than the events. */
export class OverflowReport {
  #unsaid = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly report: (count: number) => void) {}

  count(): void {
    this.#unsaid++;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.say(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Says now what has not been said. */
  say(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const count = this.#unsaid;
    this.#unsaid = 0;
    if (count > 0) this.report(count);
  }
}
