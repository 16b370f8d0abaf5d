/** What Markdown, or GitHub's, takes for more than a character wherever it stands. */
const SPECIAL = /[\\`*_{}[\]<>|~$#]|:(?=[\w+-]+:)/g;
/** What begins a list or a rule, and so at the beginning of a line alone. */
const BEGINNING = /^([-+=]|\d+(?=[.)]))/;

/** Text in Markdown, in one line, that is shown as it is written. */
export function escapeMarkdown(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll(SPECIAL, '\\$&')
    .replace(BEGINNING, (start) => (/^\d/.test(start) ? `${start}\\` : `\\${start}`));
}

/** Code in a line, in a table too. */
export function inlineCode(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  const longest = Math.max(0, ...Array.from(line.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const isPadded = /^[` ]|[` ]$/.test(line);
  if (line.trim() === '') return '';
  return isPadded ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

/** A value as a block of JSON. */
export function jsonBlock(value: unknown): string {
  // A JSON text has no line that begins with backticks: strings have no line breaks.
  return `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``;
}
