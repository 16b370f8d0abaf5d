import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { catalogueFiles } from '../../catalogue/catalogue-files.js';
import { readCatalogue } from '../../catalogue/catalogue-json.js';
import { catalogueOf, type Catalogue } from '../../catalogue/catalogue.js';
import { lintCatalogue } from '../../catalogue/lint.js';
import { withPlaceOnly } from '../../catalogue/registered-at.js';
import { collectDeclaredTypes } from '../../core/event-types/declared-types.js';
import { recordOf, type MetadataRecord } from '../../core/event-types/metadata-record.js';
import { printLine, printProblem, printText } from '../output.js';
import { Problems } from '../problems.js';
import { CATALOGUE_USAGE, readCatalogueOptions } from './catalogue-options.js';
import { readRecords } from './read-records.js';

/**
 * Writes the catalogue of an application.
 *
 * @returns the exit code: 0, or 1 if the lint finds a problem, a source cannot be read completely, or
 * there is no type
 */
export async function makeCatalogue(args: readonly string[]): Promise<number> {
  const options = readCatalogueOptions(args);
  if (options === undefined) {
    printText(CATALOGUE_USAGE);
    return 0;
  }
  const { app, out, from, collection, formats, title, lint, namespaces } = options;
  const earlier = await earlierCatalogue(out);
  const registered = app === undefined ? undefined : await recordsOfApplication(app);
  const problems = new Problems();
  const further = await Promise.all(
    from.map((source) => readRecords(source, collection, problems)),
  );
  const records = [...further.flat(), ...(registered ?? [])];
  const catalogue = catalogueOf(
    // The published files must not reveal paths of this machine.
    records.map((record) => withPlaceOnly(record, process.cwd())),
    { title, earlier, registered },
  );
  const files = catalogueFiles(catalogue, formats);
  await writeFiles(out, files);
  printLine(`${summaryOf(catalogue)} in ${files.size} files of ${out}.`);
  if (catalogue.events.length + catalogue.contexts.length === 0) problems.add(NO_TYPES);
  return Math.max(lint ? report(catalogue, namespaces) : 0, problems.conclude());
}

async function earlierCatalogue(out: string): Promise<Catalogue | undefined> {
  try {
    return readCatalogue(await readFile(join(out, 'catalogue.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

const NO_TYPES =
  `The catalogue is empty, because no event types are declared. Declare them with defineEvent, and register them ` +
  `with EventTrackingModule.forFeature([…]), or emit by them: tracker.emit(CourseEnrolled, { … }).`;

/**
 * Starts the application with source maps, so that stacks name the source files. Includes types
 * that it declares without registering them: emitting by a type registers it later.
 */
async function recordsOfApplication(app: string): Promise<MetadataRecord[]> {
  process.setSourceMapsEnabled(true);
  const declared = collectDeclaredTypes();
  const { startApplication } = await import('../application.js');
  await using application = await startApplication(app);
  const registered = application.trackers.flatMap(({ records }) => records);
  const known = new Set(registered.map(({ kind, name }) => `${kind} ${name}`));
  const latest = new Map(declared.map((type) => [`${type.kind} ${type.name}`, type]));
  const others = [...latest].filter(([identity]) => !known.has(identity));
  const now = new Date();
  return [...registered, ...others.map(([, type]) => recordOf(type, now))];
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
  for (const { message, rule } of findings) printProblem(`${message} (${rule})`);
  printLine(
    findings.length === 0
      ? 'The lint found no problems.'
      : `The lint found ${counted(findings.length, 'problem')}.`,
  );
  return findings.length === 0 ? 0 : 1;
}

function counted(number: number, noun: string): string {
  return `${number} ${number === 1 ? noun : `${noun}s`}`;
}
