import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { defineConfig } from 'vitepress';
import { PACKAGE_FOLDER, ROOT } from '../../tools/public-entries.mjs';
import { API_PAGES, SECTIONS } from './pages.mjs';
import { slugOf } from './slug.mjs';

const { homepage, version } = JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8'));
const repository = homepage.replace(/#.*$/, '');
const docs = resolve(ROOT, 'docs');

export default defineConfig({
  title: 'nestjs-event-tracking',
  description: 'Event tracking for NestJS: what happened, with the context it happened in.',
  lang: 'en',
  cleanUrls: false,
  lastUpdated: false,
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify: slugOf },
    config(md) {
      md.core.ruler.push('links-to-the-repository', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          if (token.type === 'link_open') linkOutOfDocs(token, env.path);
        }
      });
    },
  },
  themeConfig: {
    logo: { light: '/logo.svg', dark: '/logo-dark.svg', alt: '' },
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/(guide|recipes)/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: `v${version}`, link: `${repository}/blob/main/CHANGELOG.md` },
    ],
    sidebar: {
      '/api/': [
        {
          text: 'API reference',
          items: [
            { text: 'Entries', link: '/api/' },
            ...API_PAGES.map(({ short, link }) => ({ text: short, link })),
          ],
        },
      ],
      '/': SECTIONS,
    },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: 'Released under the MIT License.' },
  },
});

/** Points a relative link to a file outside docs/ at the repository, where that file can be read. */
function linkOutOfDocs(token, page) {
  const href = token.attrGet('href');
  if (href === null || /^(\w+:|\/|#)/.test(href)) return;
  const target = resolve(dirname(page), href);
  if (target.startsWith(`${docs}/`)) return;
  token.attrSet('href', `${repository}/blob/main/${relative(ROOT, target)}`);
}
