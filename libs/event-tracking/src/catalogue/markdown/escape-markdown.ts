/** Characters with a meaning anywhere in GitHub's Markdown, including those that start an automatic link. */
const SPECIAL = /[\\`*_{}[\]<>|~$#@]|:(?=\/\/|[\w+-]+:)|(?<=www)\./gi;
/** Characters that start a list or a rule at the beginning of a line. */
const BEGINNING = /^([-+=]|\d+(?=[.)]))/;

/** Escapes text, on one line, so that Markdown shows it unchanged. */
export function escapeMarkdown(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll(SPECIAL, '\\$&')
    .replace(BEGINNING, (start) => (/^\d/.test(start) ? `${start}\\` : `\\${start}`));
}

/**
 * Formats inline code that is also safe in a table. Avoids backticks if the code contains a
 * backtick or a bar.
 */
export function inlineCode(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  if (line === '') return '';
  return /[`|]/.test(line) ? `<code>${escapeMarkdown(line)}</code>` : `\`${line}\``;
}

export function jsonBlock(value: unknown): string {
  // Strings in JSON have no line breaks, so no line can begin with backticks and end the block.
  return `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``;
}
