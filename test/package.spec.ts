import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  APPLICATION_OF_SUBPATHS,
  Consumer,
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

describe('the packed library', () => {
  let tarball: Tarball;

  beforeAll(async () => {
    tarball = await packLibrary();
  });

  it('has what is published and no tests', () => {
    expect(tarball.files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']),
    );
    expect(tarball.files.filter((path) => path.includes('.spec.'))).toEqual([]);
    expect(tarball.files.filter((path) => !/^(dist|src)\/|^[^/]+$/.test(path))).toEqual([]);
  });

  it('has every file that its exports name', async () => {
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

  it('passes publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: LIBRARY, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('passes arethetypeswrong', { timeout: 60_000 }, async () => {
    const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    // Exits with 1, and so rejects, when it finds anything that concerns a package of ES modules.
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
});
