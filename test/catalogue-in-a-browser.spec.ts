import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import { catalogueFiles, catalogueOf } from 'nestjs-event-tracking/catalogue';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startChromium } from './services/chromium.js';
import { EARLIER_RECORDS, RECORDS } from './support/course-records.mjs';
import { recordOf } from './support/metadata-record.mjs';

const HOSTILE = `<img src=x onerror="document.body.dataset.harmed='yes'"><script>document.body.dataset.harmed='yes'</script>`;
const hostile = recordOf({
  kind: 'event',
  name: HOSTILE,
  description: HOSTILE,
  contexts: [HOSTILE, 'session'],
  time: '2026-01-01T00:00:00Z',
  fields: { [HOSTILE]: { description: HOSTILE, example: HOSTILE } },
  example: { [HOSTILE]: HOSTILE, '</script>': '</script>' },
});

let browser: Browser;
let directory: string;
let axe: string;
let pages: string[];
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await startChromium();
  directory = await mkdtemp(join(tmpdir(), 'catalogue-'));
  const catalogue = catalogueOf([...EARLIER_RECORDS, ...RECORDS, hostile], {
    title: 'Events of the course API',
    registered: [...RECORDS, hostile],
  });
  const files = catalogueFiles(catalogue);
  pages = [...files.keys()].filter((path) => path.endsWith('.html'));
  for (const [path, text] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => openPage());

afterEach(async () => {
  // A request that is still pending when the page closes would count as failed.
  await page.waitForLoadState();
  await page.context().close();
  expect(faults).toEqual([]);
});

async function openPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
  await page?.context().close();
  faults = [];
  page = await (await browser.newContext(options)).newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('requestfailed', (request) => faults.push(`${request.url()} could not be loaded`));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url()))
      faults.push(`${request.url()} is not part of the catalogue`);
  });
}

async function open(path: string): Promise<void> {
  await page.goto(new URL(path, `${pathToFileURL(directory).href}/`).href);
}

/** The path of the open page within the catalogue. */
const openPath = () =>
  decodeURIComponent(page.url()).replace(`${pathToFileURL(directory).href}/`, '');
const search = () => page.getByRole('combobox', { name: /search/i });
const results = () => page.getByRole('option');
const heading = () => page.getByRole('heading', { level: 1 }).innerText();

describe('The catalogue in a browser', () => {
  it('can be navigated with the mouse from the search to an event and its context', async () => {
    await open('index.html');
    await search().fill('enrolled');
    await results().filter({ hasText: 'course.enrolled' }).click();
    await page.waitForURL(/course\.enrolled/);
    expect(await heading()).toBe('course.enrolled');
    await page.getByRole('main').getByRole('link', { name: 'session' }).click();
    expect(openPath()).toBe('contexts/session.html');
    await page.getByRole('link', { name: 'course.enrolled' }).click();
    expect(openPath()).toBe('events/course.enrolled.html');
    await page.getByRole('banner').getByRole('link').click();
    expect(openPath()).toBe('index.html');
  });

  it('can be navigated with the keyboard alone', async () => {
    await open('index.html');
    await page.keyboard.press('/');
    await page.keyboard.type('course');
    const chosen = () => page.getByRole('option', { selected: true }).innerText();
    expect(await chosen()).toContain('course.completed');
    await page.keyboard.press('ArrowDown');
    expect(await chosen()).toContain('course.enrolled');
    expect(await search().getAttribute('aria-activedescendant')).toBe('result-1');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await results().last().getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/course\.enrolled/);

    await follow('request');
    expect(openPath()).toBe('contexts/request.html');
    await follow('course.enrolled');
    expect(openPath()).toBe('events/course.enrolled.html');
  });

  it('always shows the focus, and has a link that skips the top bar', async () => {
    await open('events/course.enrolled.html');
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the content' });
    expect((await skip.boundingBox())!.y).toBeGreaterThanOrEqual(0);
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    await page.keyboard.press('Tab');
    for (let step = 0; step < 8; step++) {
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
        'solid',
      );
      await page.keyboard.press('Tab');
    }
  });

  it.each([
    ['a field', 'invited_by', 'course.enrolled', 'events/course.enrolled.html'],
    [
      'a word of the description',
      'nightly',
      'enrolment.reminder_sent',
      'events/enrolment.reminder_sent.html',
    ],
    ['several words', 'payment refused', 'payment.refused', 'events/payment.refused.html'],
    ['a name_id', RECORDS[0]!.id, 'request', `contexts/request.html#version-${RECORDS[0]!.id}`],
    [
      'the name_id of an earlier version',
      EARLIER_RECORDS[0]!.id,
      'course.enrolled',
      `events/course.enrolled.html#version-${EARLIER_RECORDS[0]!.id}`,
    ],
  ])('can be searched by %s', async (_, words, name, path) => {
    await open('contexts/session.html');
    await search().fill(words);
    expect(await results().first().innerText()).toContain(name);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname.includes(name));
    expect(openPath()).toBe(path);
  });

  it('reports an empty search result, and closes it with Escape', async () => {
    await open('index.html');
    await search().fill('no such thing');
    await expect.poll(() => page.locator('.results').innerText()).toContain('Nothing is called so');
    expect(await page.getByRole('status').innerText()).toBe('0 results');
    await page.keyboard.press('Escape');
    expect(await page.locator('.results').isVisible()).toBe(false);
  });

  it('opens the version that a link points to', async () => {
    const [first] = EARLIER_RECORDS;
    await open(`events/course.enrolled.html#version-${first!.id}`);
    const version = page.locator(`#version-${first!.id}`);
    expect(await version.getByRole('table').isVisible()).toBe(true);
    expect(await version.innerText()).toContain('1 September 2025');
  });

  it('shows changes between versions, and retired types', async () => {
    await open('events/course.enrolled.html');
    const versions = await page.locator('.versions').innerText();
    expect(versions).toMatch(/Field coupon removed\s+breaking/);
    expect(versions).toMatch(/Type of field course_id: integer → string\s+breaking/);
    expect(await page.getByText('src/tracking/events.ts:8').isVisible()).toBe(true);
    await open('events/course.waitlisted.html');
    expect(await page.getByText('has ceased to register').isVisible()).toBe(true);
  });

  it('escapes markup in descriptions, names and examples', async () => {
    await open('index.html');
    await search().fill('<img');
    expect(await results().first().locator('.name').innerText()).toBe(HOSTILE);
    await page.keyboard.press('Enter');
    await page.waitForURL(/events\//);
    expect(await heading()).toBe(HOSTILE);
    expect(await page.locator('img, main script').count()).toBe(0);
    expect(await page.locator('body').getAttribute('data-harmed')).toBeNull();
  });

  it('can be read without scripts, except for the search', async () => {
    await openPage({ javaScriptEnabled: false });
    await open('index.html');
    expect(await search().count()).toBe(0);
    await page.getByRole('link', { name: 'course.enrolled' }).click();
    expect(await heading()).toBe('course.enrolled');
  });

  it.each([360, 768, 1440])('fits a width of %d pixels', async (width) => {
    await openPage({ viewport: { width, height: 800 } });
    for (const path of pages) {
      await open(path);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    }
  });

  it('prints every version, without the top bar', async () => {
    await open('events/course.enrolled.html');
    await page.emulateMedia({ media: 'print' });
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await page.locator('.versions table').last().isVisible()).toBe(true);
    expect(await page.getByRole('banner').isVisible()).toBe(false);
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
  });
});

describe.each(['light', 'dark'] as const)('The catalogue in %s colours', (colorScheme) => {
  beforeEach(() => openPage({ colorScheme }));

  it.each([
    'index.html',
    'events/course.enrolled.html',
    'contexts/request.html',
    'events/page.missing.html',
  ])('has no accessibility violation on %s', async (path) => {
    await open(path);
    for (const summary of await page.locator('summary').all()) await summary.click();
    expect(await violations()).toEqual([]);
  });

  it('has no accessibility violation during a search', async () => {
    await open('index.html');
    await search().fill('course');
    expect(await violations()).toEqual([]);
    await search().fill('no such thing');
    expect(await violations()).toEqual([]);
  });

  it('has no accessibility violation on a narrow page', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    await open('events/course.enrolled.html');
    expect(await violations()).toEqual([]);
  });
});

/** Presses Tab until the link with the given name has the focus, and follows it. */
async function follow(name: string): Promise<void> {
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(
      `document.activeElement.closest('article') && document.activeElement.tagName === 'A' ? document.activeElement.innerText : ''`,
    );
    if (focused === name) {
      await Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);
      return page.waitForLoadState();
    }
  }
  throw new Error(`Tab does not reach a link '${name}'.`);
}

async function violations(): Promise<string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run({ preload: false })')) as AxeResults;
  expect(found.passes.length).toBeGreaterThan(10);
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}
