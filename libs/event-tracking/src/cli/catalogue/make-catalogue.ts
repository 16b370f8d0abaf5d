import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { catalogueFiles } from '../../catalogue/catalogue-files.js';
import { readCatalogue } from '../../catalogue/catalogue-json.js';
import { catalogueOf, type Catalogue } from '../../catalogue/catalogue.js';
import { lintCatalogue } from '../../catalogue/lint.js';
import { withPlaceOnly } from '../../catalogue/registered-at.js';
import type { MetadataRecord } from '../../core/event-types/metadata-record.js';
import { CATALOGUE_USAGE, readCatalogueOptions } from './catalogue-options.js';
import { readRecords } from './read-records.js';

/**
 * Writes the catalogue of an application.
 *
 * @returns the exit code: 0, or 1 if the lint finds a problem
 */
export async function makeCatalogue(args: readonly string[]): Promise<number> {
  const options = readCatalogueOptions(args);
  if (options === undefined) {
    console.log(CATALOGUE_USAGE);
    return 0;
  }
  const { app, out, from, collection, formats, title, lint, namespaces } = options;
  const earlier = await earlierCatalogue(out);
  const registered = app === undefined ? undefined : await recordsOfApplication(app);
  const further = await Promise.all(from.map((source) => readRecords(source, collection)));
  const records = [...further.flat(), ...(registered ?? [])];
  const catalogue = catalogueOf(
    // The published files must not reveal paths of this machine.
    records.map((record) => withPlaceOnly(record, process.cwd())),
    { title, earlier, registered },
  );
  const files = catalogueFiles(catalogue, formats);
  await writeFiles(out, files);
  console.log(`${summaryOf(catalogue)} in ${files.size} files of ${out}.`);
  return lint ? report(catalogue, namespaces) : 0;
}

async function earlierCatalogue(out: string): Promise<Catalogue | undefined> {
  try {
    return readCatalogue(await readFile(join(out, 'catalogue.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** Starts the application with source maps, so that stacks name the source files. */
async function recordsOfApplication(app: string): Promise<MetadataRecord[]> {
  process.setSourceMapsEnabled(true);
  const { startApplication } = await import('../application.js');
  await using application = await startApplication(app);
  return application.trackers.flatMap(({ records }) => records);
}

async function writeFiles(out: string, files: ReadonlyMap<string, string>): Promise<void> {
  const directories = new Set(Array.from(files.keys(), (path) => dirname(join(out, path))));
  await Promise.all(Array.from(directories, (path) => mkdir(path, { recursive: true })));
  await Promise.all(Array.from(files, ([path, text]) => writeFile(join(out, path), text)));
}

function summaryOf({ events, contexts }: Catalogue): string {
  const versions = [...events, ...contexts].reduce((sum, type) => sum + type.versions.length, 0);
  return (
    `${counted(events.length, 'event type')} and ${counted(contexts.length, 'context type')}, ` +
    counted(versions, 'version')
  );
}

function report(catalogue: Catalogue, namespaces: readonly string[]): number {
  const findings = lintCatalogue(catalogue, { namespaces });
  for (const { message, rule } of findings) console.error(`${message} (${rule})`);
  console.log(
    findings.length === 0
      ? 'The lint found no problems.'
      : `The lint found ${counted(findings.length, 'problem')}.`,
  );
  return findings.length === 0 ? 0 : 1;
}

function counted(number: number, noun: string): string {
  return `${number} ${number === 1 ? noun : `${noun}s`}`;
}
