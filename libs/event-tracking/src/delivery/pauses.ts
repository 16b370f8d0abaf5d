/** Waits that can be cut short. */
export class Pauses {
  readonly #short = new Set<() => void>();
  readonly #fixed = new Set<() => void>();

  /** Resolves after so many milliseconds; a pause that is not fixed ends earlier when {@link hurry} is called. */
  async pause(milliseconds: number, { fixed }: { fixed: boolean }): Promise<void> {
    const pauses = fixed ? this.#fixed : this.#short;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      timer.unref();
      pauses.add(end);
    });
  }

  /** Ends all pauses that are not fixed. */
  hurry(): void {
    for (const end of this.#short) end();
  }

  /** Ends all pauses. */
  end(): void {
    this.hurry();
    for (const end of this.#fixed) end();
  }
}
