// Writes llms.txt (an index) and llms-full.txt (all guide pages in one file) beside the built site.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_PAGES, SECTIONS } from '../docs/.vitepress/pages.mjs';
import { ROOT } from './public-entries.mjs';

const site = join(ROOT, 'docs/.vitepress/dist');
const SUMMARY = `# nestjs-event-tracking

> A NestJS module that records what happened in an application together with the context in which it
> happened, and delivers each event to any number of destinations.
`;

const sections = SECTIONS.map(({ text, items }) => ({
  text,
  pages: items.map(({ link }) => {
    const file = link.endsWith('/') ? `${link}index` : link;
    return { link: `${file}.html`, markdown: readFileSync(join(ROOT, `docs${file}.md`), 'utf8') };
  }),
}));

const index = sections.map(({ text, pages }) => {
  const lines = pages.map(({ link, markdown }) => {
    return `- [${titleOf(markdown)}](${link}): ${openingOf(markdown)}`;
  });
  return `## ${text}\n\n${lines.join('\n')}\n`;
});
const reference = API_PAGES.map(({ text, link }) => `- [${text}](${link}.html)`).join('\n');
const pages = sections.flatMap(({ pages }) => pages.map(({ markdown }) => markdown));

writeFileSync(
  join(site, 'llms.txt'),
  [SUMMARY, ...index, `## API reference\n\n${reference}\n`].join('\n'),
);
writeFileSync(join(site, 'llms-full.txt'), [SUMMARY, ...pages].join('\n'));

function titleOf(markdown) {
  return /^# (.*)$/m.exec(markdown)[1];
}

/** Returns the first sentence of the text, without code, tables, lists and links. */
function openingOf(markdown) {
  const text = markdown.slice(markdown.indexOf('# ')).replaceAll(/^```.*?^```$/gms, '');
  const paragraph = text.split(/\n\n+/).find((block) => /^[A-Z`]/.test(block.trim())) ?? '';
  const plain = paragraph
    .trim()
    .replaceAll('\n', ' ')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain;
}
