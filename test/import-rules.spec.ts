import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { describe, expect, it } from 'vitest';
import rules from '../.dependency-cruiser.mjs';
import { ROOT } from './support/root.js';

const LIBRARY = 'libs/event-tracking/src';

/** Returns the names of the rules that a tree of files violates. */
async function violations(directory: string, ...folders: string[]): Promise<string[]> {
  const { options, ...ruleSet } = rules as IConfiguration;
  const { enhancedResolveOptions, ...cruiseOptions } = options!;
  const { output } = await cruise(
    folders,
    { ...cruiseOptions, ruleSet, validate: true, baseDir: directory },
    enhancedResolveOptions,
    { tsConfig: extractTsConfig(join(directory, 'tsconfig.json')) },
  );
  const { summary } = output as ICruiseResult;
  return [...new Set(summary.violations.map(({ rule }) => rule.name))];
}

async function violationsOf(files: Record<string, string>): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'import-rules-'));
  try {
    const all = { 'tsconfig.json': '{"compilerOptions":{"module":"nodenext"}}', ...files };
    for (const [path, text] of Object.entries(all)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    return await violations(
      directory,
      ...new Set(Object.keys(files).map((path) => path.split('/')[0]!)),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A file of one folder that imports a file of another. */
const between = (from: string, to: string) => ({
  [`${LIBRARY}/${from}/one.ts`]: `import '${relative(from, to)}/other.js';`,
  [`${LIBRARY}/${to}/other.ts`]: 'export const other = 1;',
});

describe('The import rules', () => {
  it('hold for the whole tree', { timeout: 60_000 }, async () => {
    expect(await violations(ROOT, 'libs', 'src', 'test', 'bench')).toEqual([]);
  });

  it.each([
    ['core', 'processors'],
    ['core', 'nest'],
    ['processors', 'backends'],
    ['backends', 'nest'],
    ['delivery', 'backends'],
    ['nest', 'mongo'],
    ['mongo', 'nest'],
    ['mongo', 'segment'],
    ['http', 'posthog'],
    ['segment', 'http'],
    ['bullmq', 'disk'],
    ['bullmq', 'nest'],
    ['testing', 'mongo'],
    ['transactional', 'nest'],
    ['nest', 'transactional'],
    ['catalogue', 'cli'],
    ['testing', 'cli'],
  ])('forbid %s to import %s', async (from, to) => {
    expect(await violationsOf(between(from, to))).toContain(`${from}-imports-rooms`);
  });

  it.each([
    ['processors', 'core'],
    ['nest', 'backends'],
    ['mongo', 'delivery'],
    ['posthog', 'http'],
    ['cli', 'mongo'],
    ['core/event', 'core/diagnostics'],
    ['core/tracker', 'core/tree'],
    ['nest/module', 'nest/decorators'],
  ])('allow %s to import %s', async (from, to) => {
    expect(await violationsOf(between(from, to))).toEqual([]);
  });

  it.each([
    ['diagnostics', 'event'],
    ['event', 'event-types'],
    ['event', 'context'],
    ['event-types', 'context'],
    ['event-types', 'tree'],
    ['context', 'tree'],
    ['tree', 'context'],
    ['tree', 'tracker'],
  ])('forbid core/%s to import core/%s', async (from, to) => {
    expect(await violationsOf(between(`core/${from}`, `core/${to}`))).toContain(
      `core-${from}-imports-folders`,
    );
  });

  it.each([
    ['config', 'module'],
    ['request', 'decorators'],
    ['decorators', 'module'],
  ])('forbid nest/%s to import nest/%s', async (from, to) => {
    expect(await violationsOf(between(`nest/${from}`, `nest/${to}`))).toContain(
      `nest-${from}-imports-folders`,
    );
  });

  it('have a rule for every room, and a room for every rule', async () => {
    const rooms = (await readdir(join(ROOT, LIBRARY), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const ruled = (rules as IConfiguration).forbidden!.flatMap(
      ({ name }) => /^(.*)-imports-rooms$/.exec(name ?? '')?.[1] ?? [],
    );
    expect(ruled.toSorted()).toEqual(rooms.toSorted());
  });

  it.each([
    ['core', 'node:fs', 'core-is-pure'],
    ['core', 'rxjs', 'core-imports-packages'],
    ['nest', 'mongoose', 'nest-imports-packages'],
    ['mongo', '@segment/analytics-node', 'mongo-imports-packages'],
    ['transactional', 'typeorm', 'transactional-imports-packages'],
    ['cli', 'rxjs', 'cli-imports-packages'],
  ])('forbid %s to import %s', async (room, name, rule) => {
    expect(await violationsOf({ [`${LIBRARY}/${room}/one.ts`]: `import '${name}';` })).toContain(
      rule,
    );
  });

  it('forbid a type of a package like its code', async () => {
    const files = {
      [`${LIBRARY}/core/one.ts`]: `import type { Observable } from 'rxjs'; export type O = Observable<1>;`,
    };
    expect(await violationsOf(files)).toContain('core-imports-packages');
  });

  it('forbid cycles', async () => {
    const files = {
      [`${LIBRARY}/core/one.ts`]: `import './two.js'; export const one = 1;`,
      [`${LIBRARY}/core/two.ts`]: `import './one.js'; export const two = 2;`,
    };
    expect(await violationsOf(files)).toContain('no-cycles');
  });

  it.each(['index', 'core/index'])('forbid imports of %s within the library', async (index) => {
    const files = {
      [`${LIBRARY}/nest/one.ts`]: `import '../${index}.js';`,
      [`${LIBRARY}/${index}.ts`]: 'export const all = 1;',
    };
    expect(await violationsOf(files)).toContain('library-imports-no-index');
  });

  it('forbid imports of internal files of Nest packages', async () => {
    const files = { [`${LIBRARY}/nest/one.ts`]: `import '@nestjs/core/injector/module';` };
    expect(await violationsOf(files)).toContain('no-deep-imports-of-nest');
  });

  it.each(['src', 'test', 'bench'])(
    'require %s to import the library by its package name',
    async (folder) => {
      const files = {
        [`${folder}/one.ts`]: `import '../${LIBRARY}/core/other.js';`,
        [`${LIBRARY}/core/other.ts`]: 'export const other = 1;',
      };
      expect(await violationsOf(files)).toContain('outside-uses-package-names');
    },
  );

  it.each(['index.ts', 'core/index.ts'])(
    'require %s to name each of its exports',
    async (index) => {
      const text = await readFile(join(ROOT, LIBRARY, index), 'utf8');
      expect(text).toMatch(/^export \{/m);
      expect(text).not.toMatch(/export \*/);
    },
  );
});
