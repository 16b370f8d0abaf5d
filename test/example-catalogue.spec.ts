import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCatalogue } from 'nestjs-event-tracking/catalogue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

const CLI = join(ROOT, 'libs/event-tracking/dist/cli/main.js');

describe("The example application's events", () => {
  let directory: string;
  let file: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'example-catalogue-'));
    file = join(directory, 'catalogue.json');
    const app = join(ROOT, 'dist/src/app.module.js');
    const { code, output } = await runNode(
      [CLI, 'catalogue', '--app', app, '--out', directory, '--lint'],
      { cwd: directory },
    );
    expect(output).toContain('The lint found no problems.');
    expect(code).toBe(0);
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('are exactly the events of the catalogue', async () => {
    const { code, output } = await runNode(
      [CLI, 'discover', '--project', 'tsconfig.app.json', '--catalogue', file],
      { cwd: ROOT },
    );
    expect(output).toContain('They match the catalogue');
    expect(code).toBe(0);
  }, 60_000);

  it('have described and typed fields, and described contexts', async () => {
    const { events, contexts } = readCatalogue(await readFile(file, 'utf8'));
    expect(events.length).toBeGreaterThan(5);
    for (const { name, current } of [...events, ...contexts]) {
      const { fields } = current.record;
      expect(fields.length, name).toBeGreaterThan(0);
      for (const field of fields) {
        expect(field.description, `${name}.${field.name}`).not.toBe('');
        expect(field.type, `${name}.${field.name}`).toBeDefined();
      }
    }
    const known = contexts.map(({ name }) => name);
    expect(known).toEqual(
      expect.arrayContaining(events.flatMap(({ current }) => current.record.contexts ?? [])),
    );
  });
});
