/** Waits between attempts that can be cut short. */
export class RetryDelays {
  readonly #waits = new Set<() => void>();

  /** Resolves after some milliseconds, or when {@link cancelWaits} is called. */
  async wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      timer.unref();
      this.#waits.add(end);
    });
  }

  cancelWaits(): void {
    for (const end of this.#waits) end();
  }
}
