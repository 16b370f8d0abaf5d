import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  APPLICATION_OF_MESSAGES,
  APPLICATION_OF_SUBPATHS,
  Consumer,
  packagesOfMessages,
  packLibrary,
  peersOfSubpaths,
  PLAIN_APPLICATION,
  type Tarball,
} from './support/consumer.js';
import { ROOT } from './support/root.js';

const run = promisify(execFile);
const LIBRARY = join(ROOT, 'libs/event-tracking');

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
}

describe('The packed library', () => {
  let tarball: Tarball;

  beforeAll(async () => {
    tarball = await packLibrary();
  });

  it('contains the published files and no tests', () => {
    expect(tarball.files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']),
    );
    expect(tarball.files.filter((path) => path.includes('.spec.'))).toEqual([]);
    expect(tarball.files.filter((path) => !/^(dist|src)\/|^[^/]+$/.test(path))).toEqual([]);
  });

  it('contains every file that its exports name', async () => {
    const { exports } = JSON.parse(
      await readFile(join(LIBRARY, 'package.json'), 'utf8'),
    ) as Manifest;
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    expect(tarball.files).toEqual(
      expect.arrayContaining(targets.map((target) => target.replace('./', ''))),
    );
  });

  it('can be loaded as CommonJS, except for threads and the catalogue', async () => {
    const { exports } = JSON.parse(
      await readFile(join(LIBRARY, 'package.json'), 'utf8'),
    ) as Manifest;
    const entries = Object.entries(exports).flatMap(([subpath, target]) =>
      typeof target === 'string' || ['./threads', './catalogue'].includes(subpath)
        ? []
        : [join(LIBRARY, target['event-tracking-source']!)],
    );
    const read = new Set<string>();
    for (const file of entries) await readModules(file, read);
    expect(read.size).toBeGreaterThan(100);
    const texts = await Promise.all(
      [...read].map(async (file) => ({ file, text: await readFile(file, 'utf8') })),
    );
    const found = texts.filter(({ text }) => text.includes('import.meta.'));
    expect(found.map(({ file }) => file)).toEqual([]);
  });

  it('passes publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: LIBRARY, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('passes arethetypeswrong', { timeout: 60_000 }, async () => {
    const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    // Exits with 1, and so rejects, if it finds a problem of an ESM package.
    await run(process.execPath, [attw, tarball.path, '--profile', 'esm-only']);
  });

  describe.each([12, 11] as const)('in an empty project, with Nest %i', (nest) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await Consumer.install(nest, tarball);
    }, 180_000);

    it.each(['module', 'commonjs'] as const)(
      "works, of type '%s'",
      { timeout: 60_000 },
      async (type) => {
        const context = { method: 'GET', path: '/courses/7', handler: 'CoursesController.read' };
        expect(JSON.parse(await consumer.run(PLAIN_APPLICATION, type))).toEqual([
          { name: 'course.looked_up', ...context, data: {} },
          { name: 'course.read', ...context, data: { course_id: '7', title: 'Course 7' } },
        ]);
      },
    );
  });

  it.each([
    { nest: 12, type: 'module' },
    { nest: 11, type: 'commonjs' },
  ] as const)(
    'has subpaths that work with their peers: Nest $nest, $type',
    { timeout: 180_000 },
    async ({ nest, type }) => {
      const consumer = await Consumer.install(nest, tarball, peersOfSubpaths(nest));
      expect(JSON.parse(await consumer.run(APPLICATION_OF_SUBPATHS, type))).toEqual({
        recorded: 1,
        queued: 1,
        bullmq: 'function',
        catalogue: 'Event catalogue',
        mongo: true,
        segment: true,
        pending: 1,
      });
    },
  );

  it(
    'serves gateways and connected microservices of Nest 11, their guards included',
    { timeout: 180_000 },
    async () => {
      const consumer = await Consumer.install(11, tarball, packagesOfMessages(11));
      const request = { origin: 'server', guarded: true, intercepted: true };
      const said = (user: string) => ({
        name: 'said',
        data: { type: 'ws' },
        context: { user, pattern: 'say', ...request },
      });
      const paid = { name: 'paid', data: { type: 'rpc' }, context: { pattern: 'pay', ...request } };
      const expected = [said('ada'), said('ben'), paid];
      expect(JSON.parse(await consumer.run(APPLICATION_OF_MESSAGES, 'commonjs'))).toEqual([
        ...expected,
        ...expected,
      ]);
    },
  );
});

/** Returns the modules of the library that a module loads, including itself. */
async function readModules(file: string, read: Set<string>): Promise<void> {
  if (read.has(file)) return;
  read.add(file);
  const text = await readFile(file, 'utf8');
  for (const [, path] of text.matchAll(/^[^*\n]* from '(\.[^']*)\.js'/gm)) {
    await readModules(join(file, '..', `${path}.ts`), read);
  }
}
