import { messageText } from '../core/diagnostics/message-text.js';

const WIDTH = 24;

/** Shows progress on a terminal. Other streams only receive the lines of {@link print}. */
export class ProgressBar {
  /** @param total - the number of items; undefined if it is unknown */
  constructor(
    private readonly total: number | undefined,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  show(done: number): void {
    if (!this.stream.isTTY) return;
    this.clear();
    this.stream.write(
      this.total === undefined ? `${done}` : `${bar(done / this.total)} ${done} of ${this.total}`,
    );
  }

  /** Writes a line that stays when the bar is cleared. */
  print(text: string): void {
    this.clear();
    this.stream.write(`${messageText(text)}\n`);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write('\r\x1b[K');
  }
}

function bar(share: number): string {
  const filled = Math.min(WIDTH, Math.round(share * WIDTH));
  return '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
}
