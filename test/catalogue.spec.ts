import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import {
  catalogueFiles,
  catalogueOf,
  findVersions,
  MalformedCatalogueError,
  readCatalogue,
  readRecord,
  recordsOf,
  withPlaceOnly,
  writeCatalogue,
} from 'nestjs-event-tracking/catalogue';
import { describe, expect, it } from 'vitest';
import { anyRecords } from './support/any-record.js';
import { EARLIER_RECORDS, RECORDS } from './support/course-records.mjs';
import { recordOf } from './support/metadata-record.mjs';

const version = (description: string, time: number, kind = 'event') =>
  recordOf({ kind, name: 'course.enrolled', description, time });

const descriptions = (records: ReturnType<typeof version>[]) =>
  catalogueOf(records).events.map(({ versions }) =>
    versions.map((each) => each.record.description),
  );

describe('A catalogue', () => {
  it('keeps every version of a type, newest first', () => {
    const records = [version('second', 2), version('third', 3), version('first', 1)];
    expect(descriptions(records)).toEqual([['third', 'second', 'first']]);
    expect(catalogueOf(records).events[0]?.current.record.description).toBe('third');
  });

  it('keeps the first date and the last code location of a version that is registered twice', () => {
    const [old, now] = [
      version('it', 1),
      { ...version('it', 9), stack_trace: 'at src/new.ts:1:1' },
    ];
    const [type] = catalogueOf([now, old]).events;
    expect(type?.versions).toHaveLength(1);
    expect(type?.current.since).toEqual([new Date(1)]);
    expect(type?.current.record.stack_trace).toBe('at src/new.ts:1:1');
  });

  it('puts a version back into force, with both dates, if it is registered again', () => {
    const [type] = catalogueOf([version('a', 1), version('b', 2), version('a', 3)]).events;
    expect(type?.versions.map(({ record, since }) => [record.description, since])).toEqual([
      ['a', [new Date(1), new Date(3)]],
      ['b', [new Date(2)]],
    ]);
  });

  it('distinguishes an event and a context of the same name', () => {
    const { events, contexts } = catalogueOf([version('e', 1), version('c', 2, 'context')]);
    expect([events.length, contexts.length]).toEqual([1, 1]);
  });

  it('finds the contexts of a combined id', () => {
    const catalogue = catalogueOf(RECORDS);
    const [combination] = catalogue.combinations;
    const names = findVersions(catalogue, combination!.record.id).map(({ record }) => record.name);
    expect(names.toSorted()).toEqual(['request', 'session']);
    expect(catalogue.contexts.map(({ name }) => name)).toEqual(['request', 'session']);
    expect(findVersions(catalogue, RECORDS[0]!.id)).toHaveLength(1);
    expect(findVersions(catalogue, 'nobody')).toEqual([]);
  });

  it('marks types as retired if the application no longer registers them', () => {
    const catalogue = catalogueOf([...EARLIER_RECORDS, ...RECORDS], { registered: RECORDS });
    const retired = catalogue.events.filter(({ isRetired }) => isRetired);
    expect(retired.map(({ name }) => name)).toEqual(['course.waitlisted']);
    expect(readCatalogue(writeCatalogue(catalogue))).toEqual(catalogue);
  });

  it('keeps the versions and the title of an earlier catalogue', () => {
    const earlier = catalogueOf(EARLIER_RECORDS, { title: 'Courses' });
    const catalogue = catalogueOf(RECORDS, { earlier });
    expect(catalogue).toEqual(catalogueOf([...EARLIER_RECORDS, ...RECORDS], { title: 'Courses' }));
    expect(catalogueOf([], { earlier, title: 'New' }).title).toBe('New');
  });

  it('does not change if an application with several versions restarts', () => {
    const started = (time: number) => [version('a', time), version('b', time + 1)];
    const earlier = catalogueOf(started(1));
    expect(catalogueOf(started(100), { earlier })).toEqual(earlier);
    const back = catalogueOf([version('a', 200)], { earlier });
    expect(back.events[0]?.current.record.description).toBe('a');
    expect(back.events[0]?.current.since).toEqual([new Date(1), new Date(200)]);
  });

  it('does not depend on the order of the records', () => {
    fc.assert(
      fc.property(
        anyRecords.chain((all) => fc.tuple(fc.constant(all), shuffled(all))),
        ([all, other]) => {
          fc.pre(new Set(all.map(({ timestamp }) => timestamp.getTime())).size === all.length);
          expect(catalogueOf(other)).toEqual(catalogueOf(all));
        },
      ),
    );
  });

  it('can be restored from its records', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const catalogue = catalogueOf(records);
        expect(catalogueOf(recordsOf(catalogue))).toEqual(catalogue);
      }),
    );
  });

  it('survives a round trip through JSON with any records', () => {
    fc.assert(
      fc.property(anyRecords, fc.string(), (records, title) => {
        const catalogue = catalogueOf(records, { title });
        const text = writeCatalogue(catalogue);
        expect(readCatalogue(text)).toEqual(withoutMinusZero(catalogue));
        expect(writeCatalogue(readCatalogue(text))).toBe(text);
      }),
    );
  });

  it('is written as plain records, newest first per type', () => {
    const text = writeCatalogue(
      catalogueOf([...EARLIER_RECORDS, ...RECORDS], { registered: RECORDS }),
    );
    const { records } = JSON.parse(text) as { records: Record<string, unknown>[] };
    const enrolled = records.filter(({ name }) => name === 'course.enrolled');
    expect(enrolled.map(({ since }) => since)).toEqual([
      ['2026-03-14T09:26:53.000Z'],
      ['2025-11-20T14:00:00.000Z'],
      ['2025-09-01T08:30:00.000Z'],
    ]);
    expect(records.filter(({ retired }) => retired === true)).toMatchObject([
      { kind: 'event', name: 'course.waitlisted' },
    ]);
  });

  it.each([
    ['no JSON', 'the text is not valid JSON'],
    ['[]', 'received a value that is not an object'],
    ['{"format":"event-catalogue/99"}', 'received "event-catalogue/99"'],
    ['{"format":"event-catalogue/1","records":[{}]}', 'Cannot read the metadata record'],
  ])('rejects %s with the reason', (text, reason) => {
    expect(() => readCatalogue(text)).toThrow(MalformedCatalogueError);
    expect(() => readCatalogue(text)).toThrow(reason);
  });
});

describe('A metadata record', () => {
  it('can be read from a database document and from JSON', () => {
    const { id, ...rest } = EARLIER_RECORDS[0]!;
    expect(readRecord({ _id: id, ...rest })).toEqual({ id, ...rest });
    expect(readRecord(JSON.parse(JSON.stringify({ id, ...rest })))).toEqual({ id, ...rest });
  });
});

describe('The files of a catalogue', () => {
  const catalogue = catalogueOf([...EARLIER_RECORDS, ...RECORDS], { registered: RECORDS });
  const files = catalogueFiles(catalogue);

  it('include pages, schemas, an AsyncAPI document and the catalogue as JSON', () => {
    expect([...files.keys()]).toEqual(
      expect.arrayContaining([
        'index.html',
        'events/course.enrolled.html',
        'contexts/session.html',
        'README.md',
        'events/course.enrolled.md',
        'catalogue.json',
        'asyncapi.json',
        'schemas/event.json',
        'schemas/events/course.enrolled.json',
      ]),
    );
    expect([...catalogueFiles(catalogue, ['json']).keys()]).toEqual(['catalogue.json']);
  });

  it('only link to each other', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const any = catalogueFiles(catalogueOf([...RECORDS, ...records]));
        for (const [path, text] of any) {
          for (const link of linksIn(path, text))
            expect(any.has(link), `${path}: ${link}`).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('contain every version of every type', () => {
    for (const { kind, name, versions } of [...catalogue.events, ...catalogue.contexts]) {
      for (const { record } of versions) {
        expect(files.get(`${kind}s/${name}.html`)).toContain(`id="version-${record.id}"`);
        expect(files.get(`${kind}s/${name}.md`)).toContain(record.id);
      }
    }
  });

  it('do not depend on the directory of the checkout', () => {
    const elsewhere = RECORDS.map((record) => ({
      ...record,
      stack_trace: record.stack_trace.replaceAll(process.cwd(), '/somewhere/else'),
    }));
    const placed = (records: typeof RECORDS, directory: string) =>
      catalogueFiles(catalogueOf(records.map((record) => withPlaceOnly(record, directory))));
    expect(placed(elsewhere, '/somewhere/else')).toEqual(placed(RECORDS, process.cwd()));
  });
});

function shuffled<T>(all: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...all], { minLength: all.length });
}

/** Replaces minus zero, which JSON cannot represent. */
function withoutMinusZero<T>(value: T): T {
  if (Object.is(value, -0)) return 0 as T;
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutMinusZero) as T;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutMinusZero(each)]),
  ) as T;
}

/** Returns the files that a page links to, as paths from the root. */
function linksIn(path: string, text: string): string[] {
  const html = htmlOf(path, text);
  return Array.from(html.matchAll(/(?:href|src)="([^"#:]+)(?:#[^"]*)?"/g), ([, link]) =>
    decodeURIComponent(new URL(link!, `file:///${path}`).pathname.slice(1)),
  );
}

function htmlOf(path: string, text: string): string {
  if (path.endsWith('.html')) return text;
  if (!path.endsWith('.md')) return '';
  return micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}
