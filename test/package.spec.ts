import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { versionModule, withEntries } from '../tools/package-entries.mjs';
import {
  APPLICATION_OF_ENTRIES,
  APPLICATION_OF_MESSAGES,
  APPLICATION_OF_SUBPATHS,
  Consumer,
  ENTRIES,
  NAMES_OF_ENTRIES,
  OPTIONAL_PEERS,
  PACKAGES_OF_MESSAGES,
  packLibrary,
  PLAIN_APPLICATION,
  resolveInstallation,
  TEST_OF_ENTRIES,
  type Tarball,
} from './support/consumer.js';
import { ROOT } from './support/root.js';

const run = promisify(execFile);
const LIBRARY = join(ROOT, 'libs/event-tracking');

interface Manifest {
  version: string;
  main: string;
  types: string;
  typesVersions: Record<'*', Record<string, string[]>>;
  exports: Record<string, string | Record<string, string | Record<string, string>>>;
  peerDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync(join(LIBRARY, 'package.json'), 'utf8')) as Manifest;

/** Compilers and the settings that applications combine them with. */
const COMPILERS = { typescript54: '5.4', typescript59: '5.9', typescript: '6', typescript7: '7' };
const SETTINGS = [
  { type: 'commonjs', options: { module: 'commonjs' } },
  { type: 'commonjs', options: { module: 'nodenext' } },
  { type: 'module', options: { module: 'esnext', moduleResolution: 'bundler' } },
] as const;

describe('The manifest of the library', () => {
  it('describes every entry in all fields, as the build generates them', () => {
    expect(manifest).toEqual(withEntries(manifest));
  });

  it('has the version that the library reports', () => {
    const module = readFileSync(join(LIBRARY, 'src/core/tracker/version.ts'), 'utf8');
    expect(module).toBe(versionModule(manifest));
  });

  it('accepts every version of optional peers, so that none prevents an installation', () => {
    expect(OPTIONAL_PEERS.length).toBeGreaterThan(0);
    for (const name of OPTIONAL_PEERS) expect(manifest.peerDependencies[name], name).toBe('*');
  });
});

describe('The CommonJS build of the library', () => {
  const folder = join(LIBRARY, 'dist/cjs');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });

  it('contains nothing that only ES modules have, because Jest cannot run it', () => {
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(100);
    const found = scripts.filter((file) => {
      const code = readFileSync(join(folder, file), 'utf8').replaceAll(
        /'[^'\n]*'|`[^`]*`|\/\*.*?\*\/|\/\/.*/gs,
        '',
      );
      return /\bimport\.meta|\bimport\(|^import\b|^export\b|^await\b/m.test(code);
    });
    expect(found).toEqual([]);
  });

  it('has a source map and types for each file, which lead to the sources', () => {
    for (const file of files.filter((each) => each.endsWith('.map'))) {
      const { sources } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        sources: string[];
      };
      const source = join(LIBRARY, 'src', file.replace(/\.(?:js|d\.ts)\.map$/, '.ts'));
      expect(
        sources.map((path) => join(folder, file, '..', path)),
        file,
      ).toEqual([source]);
    }
  });
});

describe('The packed library', () => {
  let tarball: Tarball;

  beforeAll(async () => {
    tarball = await packLibrary();
  });

  it('contains the build, the sources and no tests', () => {
    expect(tarball.files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']),
    );
    expect(tarball.files.filter((path) => path.includes('.spec.'))).toEqual([]);
    expect(tarball.files.filter((path) => !/^(dist|src)\/|^[^/]+$/.test(path))).toEqual([]);
  });

  it('contains every file that its manifest names', () => {
    const { main, types, typesVersions, exports } = manifest;
    const targets = [main, types, ...Object.values(typesVersions['*']).flat(), ...filesIn(exports)];
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
    // Exits with 1, and so rejects, if it finds anything.
    await run(process.execPath, [attw, tarball.path]);
  });

  it.each([
    [
      [
        'bullmq@4',
        'mongoose@7',
        'piscina@3',
        'undici@5',
        '@segment/analytics-node@1',
        'typescript@4.9',
      ],
    ],
    [['bullmq@5', 'mongoose@8', 'piscina@4', '@segment/analytics-node@2', 'typescript@7']],
  ])('can be installed beside %j', { timeout: 120_000 }, async (packages) => {
    await resolveInstallation(tarball, packages);
  });

  describe.each([12, 11] as const)('in an empty project, with Nest %i', (nest) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await Consumer.install(nest, tarball);
    }, 180_000);

    it.each(['module', 'commonjs'] as const)(
      "works without optional peers, of type '%s'",
      { timeout: 60_000 },
      async (type) => {
        const context = { method: 'GET', path: '/courses/7', handler: 'CoursesController.read' };
        expect(JSON.parse(await consumer.run(PLAIN_APPLICATION, { type }))).toEqual([
          { name: 'course.looked_up', ...context, data: {} },
          { name: 'course.read', ...context, data: { course_id: '7', title: 'Course 7' } },
        ]);
      },
    );

    it('loads one copy in a process that requires and imports it', async () => {
      const script = `
        const { Tracker } = require('nestjs-event-tracking/core');
        import('nestjs-event-tracking').then((imported) => console.log(imported.Tracker === Tracker));`;
      expect(await consumer.node('-e', script)).toEqual({ stdout: 'true\n', stderr: '' });
    });

    it('warns when a process loads a second copy', async () => {
      const script = `
        require('nestjs-event-tracking');
        require('./node_modules/nestjs-event-tracking/dist/cjs/index.js');`;
      const { stderr } = await consumer.node('-e', script);
      expect(stderr).toMatch(
        /^Two copies of nestjs-event-tracking are loaded: \S+ from \S+\/dist\/ and \S+ from \S+\/dist\/cjs\/\./,
      );
    });

    if (nest === 11) {
      describe('and with the compiler of an application', () => {
        beforeAll(async () => {
          const others = Object.entries(COMPILERS).filter(([name]) => name !== 'typescript');
          const aliases = others.map(([name, version]) => `${name}@npm:typescript@${version}`);
          await consumer.add(...aliases);
        }, 180_000);

        it.each(
          Object.keys(COMPILERS).flatMap((compiler) =>
            SETTINGS.map((settings) => ({ compiler, ...settings })),
          ),
        )(
          'has types for every entry: $compiler, $options.module',
          { timeout: 60_000 },
          async (compilation) => {
            const output = await consumer.run(APPLICATION_OF_ENTRIES, compilation);
            expect(JSON.parse(output)).toMatchObject({ name: 'course.read' });
          },
        );
      });
    }

    describe('and with optional peers', () => {
      beforeAll(async () => {
        await consumer.addOptionalPeers();
        if (nest === 11) await consumer.add('jest@30', '@nestjs/testing@11');
      }, 180_000);

      it('works in an application', { timeout: 60_000 }, async () => {
        const type = nest === 12 ? 'module' : 'commonjs';
        expect(JSON.parse(await consumer.run(APPLICATION_OF_SUBPATHS, { type }))).toEqual({
          recorded: 1,
          queued: 1,
          bullmq: 'function',
          catalogue: 'Event catalogue',
          mongo: true,
          segment: true,
          http: true,
          posthog: true,
          pending: 1,
        });
      });

      it('exports the same names to ES modules and CommonJS', { timeout: 60_000 }, async () => {
        const { stdout } = await consumer.node('-e', NAMES_OF_ENTRIES);
        const { required, imported } = JSON.parse(stdout) as Record<string, string[][]>;
        expect(required).toEqual(imported);
        expect(required!.map((names) => names.length > 0)).toEqual(ENTRIES.map(() => true));
      });

      if (nest === 11) {
        it(
          'serves gateways and connected microservices, including their guards',
          { timeout: 180_000 },
          async () => {
            await consumer.add(...PACKAGES_OF_MESSAGES);
            const request = {
              origin: 'server',
              request_id: expect.any(String) as string,
              guarded: true,
              intercepted: true,
            };
            const said = (user: string) => ({
              name: 'said',
              data: { type: 'ws' },
              context: { user, pattern: 'say', ...request },
            });
            const paid = {
              name: 'paid',
              data: { type: 'rpc' },
              context: { pattern: 'pay', ...request },
            };
            const expected = [said('ada'), said('ben'), paid];
            const output = await consumer.run(APPLICATION_OF_MESSAGES, { type: 'commonjs' });
            expect(JSON.parse(output)).toEqual([...expected, ...expected]);
          },
        );

        it('runs in Jest without configuration', { timeout: 60_000 }, async () => {
          expect(await consumer.jest(TEST_OF_ENTRIES)).toMatch(
            new RegExp(`^Tests: +${ENTRIES.length + 1} passed`, 'm'),
          );
        });
      }
    });
  });
});

function filesIn(target: unknown): string[] {
  return typeof target === 'string'
    ? [target]
    : Object.values(target as Record<string, unknown>).flatMap(filesIn);
}
