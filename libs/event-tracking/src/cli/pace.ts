const PORTIONS_A_SECOND = 10;

/** Lets no more than so many begin in a second, without catching up on what took longer. */
export class Pace {
  #due = performance.now();

  /** @param rate - how many a second; Infinity for as many as there are */
  constructor(private readonly rate: number) {}

  /** How many are to begin together. */
  get portion(): number {
    return Math.ceil(this.rate / PORTIONS_A_SECOND);
  }

  /** Resolves when so many may begin. */
  async allow(count: number): Promise<void> {
    const now = performance.now();
    const pause = this.#due - now;
    this.#due = Math.max(this.#due, now) + (count / this.rate) * 1_000;
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
