const LINE_BREAKS = /[\n\v\f\r\u0085\u2028\u2029]/g;

/** Escapes line breaks, so that quoted text cannot forge a log line. */
export function escapeLineBreaks(text: string): string {
  return text.replace(LINE_BREAKS, (character) => ESCAPES[character] ?? escape(character));
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
