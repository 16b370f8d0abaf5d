import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  EventTrackingModule,
  type EventTrackingModuleOptions,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slugOf } from '../docs/.vitepress/slug.mjs';
import { codeBlocks, type CodeBlock } from './support/code-blocks.js';
import { completeFragment, STAND_INS } from './support/complete-fragment.js';
import { startApp } from './support/listening-app.js';
import { NestProject } from './support/nest-project.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

/** Pages of the repository that are written by hand. */
const DOCS = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && !/^(api|\.vitepress)\b/.test(file))
  .map((file) => `docs/${file}`);
const TOUR = 'docs/guide/getting-started.md';
const WITHOUT_NEST = 'docs/guide/without-nest.md';
const ROOT_PAGES = readdirSync(ROOT).filter((file) => file.endsWith('.md'));
const PAGES = [...ROOT_PAGES, 'libs/event-tracking/README.md', ...DOCS];

/** Pages for contributors, whose code imports the sources of the library. */
const INSIDE = ['CONTRIBUTING.md', 'AGENTS.md', 'ARCHITECTURE.md'];
const CODE_PAGES = PAGES.filter((page) => !INSIDE.includes(page));

describe('The code of the documentation', () => {
  it('is TypeScript, JSON or a shell command, so that all of it is checked', () => {
    const languages = CODE_PAGES.flatMap((page) => codeBlocks(pageOf(page)));
    expect(new Set(languages.map(({ language }) => language))).toEqual(
      new Set(['ts', 'json', 'sh']),
    );
  });

  it('compiles', async () => {
    const fragments = CODE_PAGES.flatMap((page) =>
      typescriptOf(pageOf(page))
        .filter(({ file }) => file === undefined)
        .map(({ code, line }) => [nameOf(page, line), completeFragment(code)] as const),
    );
    expect(fragments.length).toBeGreaterThan(20);
    await using project = await NestProject.of({
      ...Object.fromEntries(fragments),
      ...Object.fromEntries(DOCS.flatMap((page) => filesOf(pageOf(page)))),
      'app.module.ts': 'export class AppModule {}',
      'stand-ins.d.ts': STAND_INS,
    });
    expect(await project.compile()).toBe('');
  }, 60_000);

  it('names each whole file once, so that none replaces another', () => {
    const names = DOCS.flatMap((page) => filesOf(pageOf(page)).map(([name]) => name));
    expect(names).toEqual([...new Set(names)]);
  });

  it('does not compile when a fragment is wrong', async () => {
    await using project = await NestProject.of({
      'fragment.ts': completeFragment(`tracker.emitt('course.enrolled');`),
      'stand-ins.d.ts': STAND_INS,
    });
    expect(await project.compile()).toContain(`'emitt' does not exist`);
  });

  it('names every option of the module', () => {
    let known = '';
    try {
      EventTrackingModule.forRoot({ unknown: true } as EventTrackingModuleOptions);
    } catch (error) {
      known = /[Ss]upported options: (.*)\./.exec((error as Error).message)![1]!;
    }
    const table = pageOf('docs/guide/nest-module.md').split('\n## Definitions')[0]!;
    const named = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, option]) => option!);
    expect(named.sort()).toEqual(known.split(', ').sort());
  });

  it('links to files and headings that exist', () => {
    for (const page of PAGES) {
      const links = [...pageOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
      for (const [link, path = '', anchor] of links) {
        const target = path === '' ? page : join(dirname(page), path);
        expect(existsSync(join(ROOT, target)), `${page}: ${link}`).toBe(true);
        if (anchor !== undefined) expect(anchorsOf(target), `${page}: ${link}`).toContain(anchor);
      }
    }
  });
});

describe('The README', () => {
  it('is a front door of at most 150 lines', () => {
    expect(pageOf('README.md').split('\n').length).toBeLessThanOrEqual(150);
  });

  it('leads to the event that it shows', async () => {
    await using project = await NestProject.of(Object.fromEntries(filesOf(pageOf('README.md'))));
    expect(await project.compile()).toBe('');
    await expectShownEvents(project, 'README.md');
  });
});

describe('The tour of the documentation', () => {
  let project: NestProject;

  beforeAll(async () => {
    project = await NestProject.of(Object.fromEntries(filesOf(pageOf(TOUR))));
    expect(await project.compile()).toBe('');
  });

  afterAll(() => project[Symbol.asyncDispose]());

  it('leads to the events that it shows', () => expectShownEvents(project, TOUR));

  it('has a test that passes', async () => {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const { code, output } = await runNode([vitest, 'run', 'dist/src'], {
      cwd: project.directory,
    });
    expect(output).toContain('1 passed');
    expect(code).toBe(0);
  });
});

describe('The program without Nest', () => {
  it('prints the event that its page shows', async () => {
    const page = pageOf(WITHOUT_NEST);
    await using project = await NestProject.of(Object.fromEntries(filesOf(page)));
    expect(await project.compile()).toBe('');
    const { code, output } = await runNode([join(project.directory, 'dist/src/nightly.js')]);
    const { name, context, data } = JSON.parse(output) as TrackingEvent;
    expect(shownEvents(page)).toMatchObject([{ name, context, data }]);
    expect(code).toBe(0);
  });
});

/** Starts the application of a page, and compares its events with those that the page shows. */
async function expectShownEvents(project: NestProject, path: string): Promise<void> {
  const page = pageOf(path);
  await using app = await startApp(join(project.directory, 'dist/src/main.js'));
  const requests = [...page.matchAll(/^curl .*$/gm)].map(([command]) => command);
  const shown = shownEvents(page);
  expect(requests).toHaveLength(shown.length);

  for (const [index, command] of requests.entries()) {
    await curl(command, app.url);
    const event = shown[index]!;
    const [, line] = await app.printed(new RegExp(`LOG \\[Events\\] (.*"${event.name}".*)`));
    expect(comparable(line!, app.url)).toEqual(comparable(JSON.stringify(event), app.url));
  }
}

function shownEvents(markdown: string): TrackingEvent[] {
  return codeBlocks(markdown)
    .filter(({ language }) => language === 'json')
    .map(({ code }) => JSON.parse(code) as TrackingEvent);
}

function pageOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function typescriptOf(markdown: string): CodeBlock[] {
  return codeBlocks(markdown).filter(({ language }) => language === 'ts');
}

/** Returns the whole files of a page, by the names that their first lines give them. */
function filesOf(markdown: string): [string, string][] {
  return typescriptOf(markdown).flatMap(({ file, code }): [string, string][] =>
    file === undefined ? [] : [[file, code]],
  );
}

function nameOf(page: string, line: number): string {
  return `${page.replaceAll(/[/.]/g, '-')}-line-${line}.ts`;
}

function anchorsOf(page: string): string[] {
  return [...pageOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slugOf(heading!));
}

/** Sends the request that a command line of curl describes. */
async function curl(command: string, url: string): Promise<void> {
  const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(
    ([, name, value]) => [name!, value!] as [string, string],
  );
  const response = await fetch(command.replace(/.*http:\/\/[^/]+/, url), {
    method: /-X (\w+)/.exec(command)?.[1] ?? 'GET',
    headers: [...headers, ['user-agent', 'curl/8.5.0']],
  });
  expect(response.ok, command).toBe(true);
}

/** Checks the values that differ between runs, and returns the event without them. */
function comparable(line: string, url: string): unknown {
  const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/) as unknown;
  const { id, timestamp, context, ...event } = JSON.parse(line) as TrackingEvent;
  expect(id).toEqual(uuid);
  expect(context['request_id']).toEqual(uuid);
  expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(context['ip']).toMatch(/^[\da-f.:]+$/);
  expect(['localhost:3000', new URL(url).host]).toContain(context['host']);
  return { ...event, context: { ...context, request_id: '', ip: '', host: '' } };
}
