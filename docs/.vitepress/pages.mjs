import { existsSync } from 'node:fs';
import { publicEntries, referencePage, ROOT } from '../../tools/public-entries.mjs';
import { join } from 'node:path';

const guide = (text, name) => ({ text, link: `/guide/${name}` });

/** All pages in reading order: the sidebar and `llms.txt` are made of this list. */
export const SECTIONS = [
  {
    text: 'Start',
    items: [
      guide('Getting started', 'getting-started'),
      guide('Guarantees', 'guarantees'),
      guide('What is promised and tested', 'tested-promises'),
      guide('Limits and requirements', 'limits'),
      guide('Compatibility', 'compatibility'),
      { text: 'Why not …?', link: '/why-not' },
    ],
  },
  {
    text: 'Report events',
    items: [
      guide('Contexts', 'contexts'),
      guide('Decorators', 'decorators'),
      guide('Event types', 'event-types'),
      guide('Transactions', 'transactions'),
      guide('The Nest module', 'nest-module'),
      guide('Without Nest', 'without-nest'),
      guide('Testing', 'testing'),
    ],
  },
  {
    text: 'Deliver events',
    items: [
      guide('Routing', 'routing'),
      guide('Delivery', 'delivery'),
      guide('MongoDB', 'mongo'),
      guide('Segment', 'segment'),
      guide('PostHog', 'posthog'),
      guide('HTTP and webhooks', 'http'),
      guide('Asynchronous routing', 'async-routing'),
      guide('Queue on disk', 'disk'),
      guide('Queue in Redis (BullMQ)', 'bullmq'),
      guide('Dead letters', 'dead-letters'),
      guide('Threads', 'threads'),
    ],
  },
  {
    text: 'Operate and document',
    items: [
      guide('Shutdown', 'shutdown'),
      guide('Troubleshooting', 'troubleshooting'),
      guide('Catalogue', 'catalogue'),
      guide('Discovery', 'discovery'),
      { text: 'Benchmarks', link: '/benchmarks' },
      guide("Migrate from Python's event-tracking", 'migrating-from-python'),
    ],
  },
  {
    text: 'Recipes',
    items: [
      { text: 'Carry context into jobs', link: '/recipes/context-into-jobs' },
      { text: 'Use it beside nestjs-pino', link: '/recipes/beside-nestjs-pino' },
      { text: 'Add the user to each event', link: '/recipes/user-on-each-event' },
      { text: 'Keep personal data out of events', link: '/recipes/personal-data' },
      { text: 'Test the events of a whole application', link: '/recipes/test-an-application' },
      { text: 'Add a vendor in sixty lines', link: '/recipes/add-a-vendor' },
    ],
  },
  {
    text: 'Project',
    items: [
      { text: 'Release process', link: '/releasing' },
      { text: 'Decisions', link: '/adr/' },
    ],
  },
];

export const API_PAGES = publicEntries.map(({ specifier, file }) => ({
  text: specifier,
  short: file === 'index' ? specifier : `/${file}`,
  link: `/api/${referencePage(file)}`,
}));

for (const { link } of SECTIONS.flatMap(({ items }) => items)) {
  const file = `docs${link.endsWith('/') ? `${link}index` : link}.md`;
  if (!existsSync(join(ROOT, file)))
    throw new Error(`The sidebar links to ${file}, which is missing.`);
}
