import type { Catalogue, CatalogueType } from '../catalogue.js';
import { fileNameOf } from '../file-name.js';
import { firstSentenceOf, runsOf } from '../prose.js';
import { escapeMarkdown, inlineCode } from './escape-markdown.js';
import { typeMarkdown } from './type-markdown.js';

/**
 * Renders a catalogue as Markdown. All text is escaped.
 *
 * @returns the files by path, `README.md` first
 */
export function markdownPages(catalogue: Catalogue): Map<string, string> {
  const types = [...catalogue.events, ...catalogue.contexts];
  return new Map([
    ['README.md', index(catalogue)],
    ...types.map((type): [string, string] => [
      `${type.kind}s/${fileNameOf(type.name)}.md`,
      typeMarkdown(type, catalogue),
    ]),
  ]);
}

function index({ title, events, contexts }: Catalogue): string {
  return [
    `# ${escapeMarkdown(title)}`,
    ...tableOf('Events', events),
    ...tableOf('Contexts', contexts),
    '',
  ].join('\n\n');
}

function tableOf(heading: string, types: readonly CatalogueType[]): string[] {
  if (types.length === 0) return [];
  const rows = types.map(({ kind, name, current, isRetired }) => {
    const text = runsOf(firstSentenceOf(current.record.description))
      .map((run) => (run.isCode ? inlineCode(run.text) : escapeMarkdown(run.text)))
      .join('');
    const link = `[${inlineCode(name)}](${kind}s/${encodeURIComponent(fileNameOf(name))}.md)`;
    return `| ${link} | ${text}${isRetired ? ' _(retired)_' : ''} |`;
  });
  return [`## ${heading}`, ['| Name | Description |', '| --- | --- |', ...rows].join('\n')];
}
