const WIDTH = 24;

/** Shows on a terminal how far work has come; where there is none, nothing but what {@link say} is given. */
export class ProgressBar {
  /** @param total - how much there is to do, where that is known */
  constructor(
    private readonly total: number | undefined,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  show(done: number): void {
    if (!this.stream.isTTY) return;
    this.#clear();
    this.stream.write(
      this.total === undefined ? `${done}` : `${bar(done / this.total)} ${done} of ${this.total}`,
    );
  }

  /** Says something that is to stay. */
  say(text: string): void {
    this.#clear();
    this.stream.write(`${text}\n`);
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.stream.isTTY) this.stream.write('\r\x1b[K');
  }
}

function bar(share: number): string {
  const filled = Math.min(WIDTH, Math.round(share * WIDTH));
  return '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
}
