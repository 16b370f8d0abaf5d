import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { describe, expect, it } from 'vitest';
import rules from '../.dependency-cruiser.mjs';
import { ROOT } from './support/root.js';

const LIBRARY = 'libs/event-tracking/src';

/** The names of the rules that a tree of files violates. */
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

/** A file of one room that imports one of another. */
const between = (from: string, to: string) => ({
  [`${LIBRARY}/${from}/one.ts`]: `import '../${to}/other.js';`,
  [`${LIBRARY}/${to}/other.ts`]: 'export const other = 1;',
});

describe('the import rules', () => {
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
    ['bullmq', 'disk'],
    ['health', 'nest'],
    ['testing', 'mongo'],
  ])('forbid %s to import %s', async (from, to) => {
    expect(await violationsOf(between(from, to))).toContain(`${from}-imports-rooms`);
  });

  it.each([
    ['processors', 'core'],
    ['nest', 'backends'],
    ['mongo', 'delivery'],
  ])('allow %s to import %s', async (from, to) => {
    expect(await violationsOf(between(from, to))).toEqual([]);
  });

  it.each(['health', 'ingest', 'console', 'bullmq'])(
    "let %s see nest's tokens and nothing else of it",
    async (room) => {
      const importing = (file: string) =>
        violationsOf({
          [`${LIBRARY}/${room}/one.ts`]: `import '../nest/${file}.js';`,
          [`${LIBRARY}/nest/${file}.ts`]: 'export const other = 1;',
        });
      expect(await importing('tokens')).toEqual([]);
      expect(await importing('module/tree-builder')).toContain(`${room}-imports-rooms`);
    },
  );

  it.each([
    ['core', 'node:fs', 'core-is-pure'],
    ['core', 'rxjs', 'core-imports-packages'],
    ['nest', 'mongoose', 'nest-imports-packages'],
    ['mongo', '@segment/analytics-node', 'mongo-imports-packages'],
  ])('forbid %s to import %s', async (room, name, rule) => {
    expect(await violationsOf({ [`${LIBRARY}/${room}/one.ts`]: `import '${name}';` })).toContain(
      rule,
    );
  });

  it('forbid a type of a package as well as its code', async () => {
    const files = {
      [`${LIBRARY}/core/one.ts`]: `import type { Observable } from 'rxjs'; export type O = Observable<1>;`,
    };
    expect(await violationsOf(files)).toContain('core-imports-packages');
  });

  it('forbid circles', async () => {
    const files = {
      [`${LIBRARY}/core/one.ts`]: `import './two.js'; export const one = 1;`,
      [`${LIBRARY}/core/two.ts`]: `import './one.js'; export const two = 2;`,
    };
    expect(await violationsOf(files)).toContain('no-cycles');
  });

  it.each(['index', 'core/index'])('forbid anybody inside to import %s', async (index) => {
    const files = {
      [`${LIBRARY}/nest/one.ts`]: `import '../${index}.js';`,
      [`${LIBRARY}/${index}.ts`]: 'export const all = 1;',
    };
    expect(await violationsOf(files)).toContain('nobody-inside-imports-an-index');
  });

  it('forbid imports of what is inside a package of Nest', async () => {
    const files = { [`${LIBRARY}/nest/one.ts`]: `import '@nestjs/core/injector/module';` };
    expect(await violationsOf(files)).toContain('no-deep-imports-of-nest');
  });

  it.each(['src', 'test', 'bench'])('have %s use package names', async (folder) => {
    const files = {
      [`${folder}/one.ts`]: `import '../${LIBRARY}/core/other.js';`,
      [`${LIBRARY}/core/other.ts`]: 'export const other = 1;',
    };
    expect(await violationsOf(files)).toContain('outside-uses-package-names');
  });

  it.each(['index.ts', 'core/index.ts'])(
    'have %s name what it exports, one by one',
    async (index) => {
      const text = await readFile(join(ROOT, LIBRARY, index), 'utf8');
      expect(text).toMatch(/^export \{/m);
      expect(text).not.toMatch(/export \*/);
    },
  );
});
