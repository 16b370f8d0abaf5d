import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serializeEvent } from 'nestjs-event-tracking';
import {
  readCatalogue,
  writeCatalogue,
  catalogueOf,
  type Catalogue,
} from 'nestjs-event-tracking/catalogue';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { EARLIER_RECORDS } from './support/course-records.mjs';
import { connectMongo } from './support/mongo.js';
import { ROOT } from './support/root.js';
import { runNode, type Run } from './support/run-node.js';

const CLI = join(ROOT, 'libs/event-tracking/dist/cli/main.js');
const APP = join(ROOT, 'test/support/catalogue-application.mjs');
const DECLARING_APP = join(ROOT, 'test/support/declaring-application.mjs');

let directory: string;
let out: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalogue-command-'));
  out = join(directory, 'docs/events');
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function catalogue(...args: string[]): Promise<Run> {
  return runNode([CLI, 'catalogue', ...args], { cwd: ROOT });
}

async function written(): Promise<Catalogue> {
  return readCatalogue(await readFile(join(out, 'catalogue.json'), 'utf8'));
}

async function filesOf(folder: string): Promise<Record<string, string>> {
  const paths = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = paths
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)),
  );
}

describe('The command catalogue', () => {
  it('writes the types of all trackers of the application in every format', async () => {
    const { code, output } = await catalogue('--app', APP, '--out', out, '--title', 'Courses');
    expect(output).toContain('2 event types and 1 context type, 3 versions in');
    expect(code).toBe(0);
    expect((await readdir(out)).toSorted()).toEqual([
      'README.md',
      'assets',
      'asyncapi.json',
      'catalogue.json',
      'contexts',
      'events',
      'index.html',
      'schemas',
    ]);
    const { title, events } = await written();
    expect(title).toBe('Courses');
    expect(events.map(({ name }) => name)).toEqual(['course.enrolled', 'payment.refused']);
  });

  it('writes the code locations of types, but no path of the machine', async () => {
    await catalogue('--app', APP, '--out', out);
    const files = await filesOf(out);
    const page = files[join(out, 'events/course.enrolled.md')];
    const before = (await readFile(APP, 'utf8')).split("defineEvent('course.enrolled'")[0]!;
    const line = before.split('\n').length;
    expect(page).toContain(`Registered at \`test/support/catalogue-application.mjs:${line}\``);
    for (const [file, text] of Object.entries(files)) expect(text, file).not.toContain(ROOT);
  });

  it('writes identical files if nothing has changed', async () => {
    await catalogue('--app', APP, '--out', out);
    const first = await filesOf(out);
    await catalogue('--app', APP, '--out', out);
    expect(await filesOf(out)).toEqual(first);
  });

  it('keeps the versions and the title of an existing catalogue', async () => {
    await catalogue('--app', APP, '--out', out, '--title', 'Courses');
    const earlier = catalogueOf(EARLIER_RECORDS, { title: 'Former title' });
    await writeFile(join(out, 'catalogue.json'), writeCatalogue(earlier));
    await catalogue('--app', APP, '--out', out);
    const { title, events } = await written();
    expect(title).toBe('Former title');
    const [enrolled, waitlisted] = ['course.enrolled', 'course.waitlisted'].map((name) =>
      events.find((type) => type.name === name),
    );
    expect(enrolled?.versions).toHaveLength(3);
    expect([enrolled?.isRetired, waitlisted?.isRetired]).toEqual([false, true]);
  });

  it('imports earlier versions from a log that also contains events', async () => {
    const log = join(directory, 'events.ndjson');
    const event = {
      id: '1',
      name: 'n',
      timestamp: new Date(0),
      context: {},
      data: { metadata_record: 1 },
    };
    await writeFile(
      log,
      [
        serializeEvent(event),
        ...EARLIER_RECORDS.map((record) => JSON.stringify({ metadata_record: record })),
        '{"metadata_record":{"id":7}}',
        'plain text with "metadata_record"',
      ].join('\n'),
    );
    const { output } = await catalogue('--app', APP, '--out', out, '--from', log);
    expect(output).toMatch(/Skipped line 5\. .*Cannot read the metadata record/);
    const { events } = await written();
    expect(events.find(({ name }) => name === 'course.enrolled')?.versions).toHaveLength(3);
  });

  it('imports records from MongoDB', async () => {
    const uri = new URL(inject('mongoUri'));
    uri.pathname = `/catalogue-${randomUUID().slice(0, 8)}`;
    const connection = await connectMongo(uri.href);
    try {
      const documents = EARLIER_RECORDS.map(({ id, ...record }) => ({ _id: id, ...record }));
      await connection.collection<{ _id: string }>('event_types').insertMany(documents);
      const { code, output } = await catalogue('--from', uri.href, '--out', out);
      expect(output).toContain('2 event types and 0 context types, 3 versions');
      expect(code).toBe(0);
    } finally {
      await connection.dropDatabase();
      await connection.close();
    }
  });

  it('merges the catalogues of several applications', async () => {
    const other = join(directory, 'other.json');
    await writeFile(other, writeCatalogue(catalogueOf(EARLIER_RECORDS)));
    await catalogue('--app', APP, '--from', other, '--out', out, '--format', 'json');
    expect((await written()).events.map(({ name }) => name)).toContain('course.waitlisted');
    expect(await readdir(out)).toEqual(['catalogue.json']);
  });

  it('fails if the lint finds a problem', async () => {
    const { code, output } = await catalogue('--app', APP, '--out', out, '--lint');
    expect(output).toContain("its context 'job' is not described");
    expect(output).toContain('(context-not-described)');
    expect(output).toContain('The lint found 1 problem.');
    expect(code).toBe(1);
    const foreign = await catalogue('--app', APP, '--out', out, '--lint', '--namespace', 'course');
    expect(foreign.output).toContain(
      "'payment.refused': the name is outside the application's namespaces (course)",
    );
  });

  it('includes types that are only declared, to emit by them or for decorators', async () => {
    const app = `${DECLARING_APP}#AppModule`;
    const { code, output } = await catalogue('--app', app, '--out', out, '--lint');
    expect(output).toContain('The lint found no problems.');
    expect(code).toBe(0);
    const { events, contexts } = await written();
    expect(events.map(({ name }) => name)).toEqual(['course.enrolled', 'course.left']);
    expect(contexts.map(({ name }) => name)).toEqual(['course']);
  });

  it('explains an empty catalogue', async () => {
    const app = `${DECLARING_APP}#AppModule`;
    const env = { NOTHING_DECLARED: '1' };
    const args = [CLI, 'catalogue', '--app', app, '--out', out];
    const { code, output } = await runNode(args, { cwd: ROOT, env });
    expect(output).toMatch(
      /The catalogue is empty, .* Declare them with defineEvent, and register/,
    );
    expect(code).toBe(1);
  });

  it('reports a log without records', async () => {
    const log = join(directory, 'events.log');
    await writeFile(log, 'hello\n');
    const { code, output } = await catalogue('--app', APP, '--out', out, '--from', log);
    expect(output).toContain(`--from: ${log} contains no metadata records.`);
    expect(code).toBe(1);
  });

  it('prints its usage with --help', async () => {
    const { code, output } = await catalogue('--help');
    expect(output).toContain('--out <directory>');
    expect(code).toBe(0);
  });

  it.each([
    [[], /catalogue: --out must name the output directory/],
    [['--out', 'x'], /--app must name the application's module, .* or --from/],
    [
      ['--out', 'x', '--app', 'y', '--format', 'pdf'],
      /--format must be one of html, .*; received 'pdf'/,
    ],
    [['--out', 'x', '--app', 'y', '--formt', 'pdf'], /catalogue: Unknown option '--formt'/],
    [['--out', 'x', '--from', '/no/such.json'], /--from: no file '\/no\/such\.json'/],
    [['--out', 'x', '--from', '/no/such.log'], /--from: no file '\/no\/such\.log'/],
    [
      ['--out', 'x', '--app', `${APP}#UntrackedModule`],
      /no module of .* imports EventTrackingModule/,
    ],
  ])('rejects %j with the reason and code 2', async (args, message) => {
    const { code, output } = await catalogue(...args);
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });

  it('rejects an unreadable catalogue.json without overwriting it', async () => {
    await catalogue('--app', APP, '--out', out, '--format', 'json');
    await writeFile(join(out, 'catalogue.json'), '{}');
    const { code, output } = await catalogue('--app', APP, '--out', out);
    expect(output).toContain("its format must be 'event-catalogue/1'");
    expect(code).toBe(1);
    expect(await readFile(join(out, 'catalogue.json'), 'utf8')).toBe('{}');
  });
});
