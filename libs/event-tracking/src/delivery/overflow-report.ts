const INTERVAL_MS = 1_000;

/** Counts drops and reports them at most once a second: one by one they would cost more than the events. */
export class OverflowReport {
  #unreported = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly report: (count: number) => void) {}

  count(): void {
    this.#unreported++;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Reports pending counts immediately. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const count = this.#unreported;
    this.#unreported = 0;
    if (count > 0) this.report(count);
  }
}
