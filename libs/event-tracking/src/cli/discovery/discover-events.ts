import type ts from 'typescript';
import type { CommandLine } from '../command-line.js';
import { printText } from '../output.js';
import { UsageError } from '../usage-error.js';
import { readCatalogueNames } from './read-catalogue-names.js';
import { compare, isConsistent } from './comparison.js';
import { loadCompiler, type Compiler } from './compiler.js';
import { EventSearch } from './event-search.js';
import { Findings } from './findings.js';
import { LibraryFiles } from './library-files.js';
import { openPrograms } from './programs.js';
import { formatReport } from './format-report.js';

/**
 * Prints how the events that a project emits differ from the described event types.
 *
 * @returns the exit code: 0, or 1 if they differ
 */
export async function discoverEvents({ project, catalogue, json }: CommandLine): Promise<number> {
  const names = catalogue === undefined ? undefined : await readCatalogueNames(catalogue);
  const compiler = await loadCompiler();
  const comparison = compare(findEvents(compiler, project), names);
  printText(
    json
      ? JSON.stringify(comparison, undefined, 2)
      : formatReport(comparison, catalogue ?? 'the event types that the code declares'),
  );
  return isConsistent(comparison) ? 0 : 1;
}

function findEvents(ts: Compiler, project: string): Findings {
  const libraryFiles = new LibraryFiles();
  const findings = new Findings();
  const searched = new Set<string>();
  let usesLibrary = false;
  for (const program of openPrograms(ts, project)) {
    const search = new EventSearch(ts, program, libraryFiles, findings);
    for (const file of program.getSourceFiles()) {
      if (libraryFiles.has(file.fileName)) usesLibrary = true;
      else if (isCode(program, file) && !searched.has(file.fileName)) {
        searched.add(file.fileName);
        search.search(file);
      }
    }
  }
  if (usesLibrary) return findings;
  // Without the types of the library, the search would find nothing and report success.
  throw new UsageError(
    `--project: no file of ${project} imports nestjs-event-tracking, or the compiler cannot find the package. ` +
      `Install it, and set "module": "nodenext" or "moduleResolution": "bundler" in tsconfig.json.`,
  );
}

function isCode(program: ts.Program, file: ts.SourceFile): boolean {
  return !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file);
}
