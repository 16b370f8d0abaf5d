/** Controls, formatting characters (bidirectional, zero-width), separators and lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** Finds a few more characters, several times faster than the classes above: most text has none. */
const MAYBE_UNPRINTABLE =
  /[^ -~\xa0-\xac\xae-\u05ff\u08e3-\u180d\u180f-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\uffef]/;
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Escapes characters that break a line, reorder it, hide in it or control a terminal, so that
 * quoted text cannot forge what a reader sees.
 *
 * @remarks JSON stays valid JSON with the same meaning, because it holds such characters only
 * within strings.
 */
export function escapeUnprintable(text: string): string {
  if (!MAYBE_UNPRINTABLE.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => ESCAPES[character] ?? escape(character));
}

/** Escapes by UTF-16 units, as JSON does. */
function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}
