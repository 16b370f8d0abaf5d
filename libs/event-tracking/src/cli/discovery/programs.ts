import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type ts from 'typescript';
import { UsageError } from '../usage-error.js';
import type { Compiler } from './compiler.js';

/**
 * Opens a project and, recursively, the projects that it references.
 *
 * @param project - a tsconfig.json or its directory
 * @throws {@link UsageError} if the project cannot be read
 */
export function openPrograms(ts: Compiler, project: string): ts.Program[] {
  const programs: ts.Program[] = [];
  const opened = new Set<string>();
  const open = (file: string): void => {
    if (opened.has(file)) return;
    opened.add(file);
    const { fileNames, options, projectReferences = [] } = readProject(ts, file);
    // A reference becomes a program of its own, so that it need not be built first.
    if (fileNames.length > 0) programs.push(ts.createProgram({ rootNames: fileNames, options }));
    for (const reference of projectReferences) open(ts.resolveProjectReferencePath(reference));
  };
  open(fileOf(project));
  return programs;
}

function fileOf(project: string): string {
  const path = resolve(project);
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? join(path, 'tsconfig.json')
    : path;
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return file;
  throw new UsageError(
    `--project: no file '${project}'. Pass the tsconfig.json of the application.`,
  );
}

function readProject(ts: Compiler, file: string): ts.ParsedCommandLine {
  const fail = ({ messageText }: ts.Diagnostic): never => {
    throw new UsageError(
      `--project: cannot read ${file}. ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  };
  const project = ts.getParsedCommandLineOfConfigFile(
    file,
    { noEmit: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  );
  const error = project?.errors.find(({ category }) => category === ts.DiagnosticCategory.Error);
  // A project may consist of references only.
  if (error !== undefined && (project?.projectReferences ?? []).length === 0) fail(error);
  return project!;
}
