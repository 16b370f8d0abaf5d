import { escapeUnprintable } from './escape-unprintable.js';
import { redactSecrets } from './redact-secrets.js';

/** Bounds the work and the size of a message; longer ones end in an ellipsis. */
const MAX_LENGTH = 16_384;

/**
 * Returns the text of a message as it may be logged, stored or shown: without secrets, on one line,
 * and within a bound. Every message of the library passes through here.
 */
export function messageText(text: string, maxLength: number = MAX_LENGTH): string {
  return bounded(escapeUnprintable(safeText(text)), maxLength);
}

/** Returns the text of an error that is thrown: like {@link messageText}, with its line breaks. */
export function thrownText(text: string): string {
  return safeText(text)
    .split('\n')
    .map((line) => escapeUnprintable(line))
    .join('\n');
}

/** Redacts before anything is cut, because half a URL no longer shows where its password ends. */
function safeText(text: string): string {
  return redactSecrets(bounded(text, MAX_LENGTH));
}

function bounded(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
