/** What Markdown, or GitHub's, takes for more than a character wherever it stands; addresses would take escapes as their own. */
const SPECIAL = /[\\`*_{}[\]<>|~$#@]|:(?=\/\/|[\w+-]+:)|(?<=www)\./gi;
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

/** Code in a line, in a table too: in backticks where it has none, and nothing that a table takes for its own. */
export function inlineCode(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  if (line === '') return '';
  return /[`|]/.test(line) ? `<code>${escapeMarkdown(line)}</code>` : `\`${line}\``;
}

/** A value as a block of JSON. */
export function jsonBlock(value: unknown): string {
  // A JSON text has no line that begins with backticks: strings have no line breaks.
  return `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``;
}
