import { escapeUnprintable } from '../core/diagnostics/escape-unprintable.js';
import { messageText } from '../core/diagnostics/message-text.js';

let isClosed = false;

/**
 * Lets the command go on when the reader of its output leaves, as `head` does: a replay must not end
 * halfway.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (stream === process.stdout) isClosed = true;
    });
  }
}

/** Whether nobody reads the output any more. */
export function isOutputClosed(): boolean {
  return isClosed;
}

/** Prints a line for people: without secrets and control characters. */
export function printLine(text: string): void {
  if (!isClosed) process.stdout.write(`${messageText(text)}\n`);
}

/** Prints text of the command itself, or JSON, with its line breaks. */
export function printText(text: string): void {
  if (!isClosed) process.stdout.write(`${text.split('\n').map(escapeUnprintable).join('\n')}\n`);
}

/** Prints a problem to the standard error. */
export function printProblem(text: string): void {
  process.stderr.write(`${messageText(text)}\n`);
}
