/**
 * Tells the time to which the ages of files are compared.
 *
 * @remarks
 * Ages outlive processes, so only the wall clock can measure them. It may jump: of what it shows and of what has passed by
 * the monotonic clock since the start, the earlier time is taken, so that no file seems older than it is.
 */
export class FileClock {
  readonly #start = Date.now();
  readonly #startedAt = performance.now();

  /** In milliseconds since 1970. */
  earliestNow(): number {
    return Math.min(Date.now(), this.#start + performance.now() - this.#startedAt);
  }
}
