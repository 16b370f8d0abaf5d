import type ts from 'typescript';
import type { CommandLine } from '../command-line.js';
import { UsageError } from '../usage-error.js';
import { readCatalogue } from './catalogue-file.js';
import { compare, isAllWell } from './comparison.js';
import { loadCompiler, type Compiler } from './compiler.js';
import { EventSearch } from './event-search.js';
import { Findings } from './findings.js';
import { OwnFiles } from './own-files.js';
import { openPrograms } from './programs.js';
import { reportOf } from './report.js';

/** Prints what the code of a project emits, compared with what is described; 1 where they differ. */
export async function discoverEvents({ project, catalogue, json }: CommandLine): Promise<number> {
  const names = catalogue === undefined ? undefined : await readCatalogue(catalogue);
  const compiler = await loadCompiler();
  const comparison = compare(findEvents(compiler, project), names);
  console.log(
    json
      ? JSON.stringify(comparison, undefined, 2)
      : reportOf(comparison, catalogue ?? 'the event types that the code declares'),
  );
  return isAllWell(comparison) ? 0 : 1;
}

function findEvents(ts: Compiler, project: string): Findings {
  const ownFiles = new OwnFiles();
  const findings = new Findings();
  const searched = new Set<string>();
  let isUsed = false;
  for (const program of openPrograms(ts, project)) {
    const search = new EventSearch(ts, program, ownFiles, findings);
    for (const file of program.getSourceFiles()) {
      if (ownFiles.has(file.fileName)) isUsed = true;
      else if (isCode(program, file) && !searched.has(file.fileName)) {
        searched.add(file.fileName);
        search.search(file);
      }
    }
  }
  if (isUsed) return findings;
  // Without its types nothing would be found, and all would seem well.
  throw new UsageError(
    `--project: no code of ${project} imports nestjs-event-tracking, or the compiler does not find the package. ` +
      `Install it, and see that tsconfig.json has "module": "nodenext" or "moduleResolution": "bundler".`,
  );
}

function isCode(program: ts.Program, file: ts.SourceFile): boolean {
  return !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file);
}
