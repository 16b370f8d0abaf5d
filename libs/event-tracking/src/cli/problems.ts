import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { printProblem } from './output.js';

/** Prints and counts what a command could not read or do, each once. */
export class Problems implements DiagnosticLogger {
  readonly #reported = new Set<string>();

  get count(): number {
    return this.#reported.size;
  }

  add(message: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    printProblem(message);
  }

  warn(message: string): void {
    printProblem(message);
  }

  error(message: string): void {
    this.add(message);
  }

  /** Prints the number of problems, and returns the exit code: 1 if there are any. */
  conclude(): number {
    const { count } = this;
    if (count === 0) return 0;
    printProblem(`${count} ${count === 1 ? 'problem' : 'problems'}; see above.`);
    return 1;
  }
}
