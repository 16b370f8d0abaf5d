import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type ts from 'typescript';
import { UsageError } from '../usage-error.js';
import type { Compiler } from './compiler.js';

/**
 * The programs of a project and of all that it references, as the compiler sees them.
 *
 * @param project - a tsconfig.json, or the directory that has one
 * @throws {@link UsageError} for what is no project
 */
export function openPrograms(ts: Compiler, project: string): ts.Program[] {
  const programs: ts.Program[] = [];
  const opened = new Set<string>();
  const open = (file: string): void => {
    if (opened.has(file)) return;
    opened.add(file);
    const { fileNames, options, projectReferences = [] } = readProject(ts, file);
    // References are programs of their own: so nothing has to be built before it can be searched.
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
    `--project: there is no file '${project}'. Name the tsconfig.json of the application.`,
  );
}

function readProject(ts: Compiler, file: string): ts.ParsedCommandLine {
  const refuse = ({ messageText }: ts.Diagnostic): never => {
    throw new UsageError(
      `--project: ${file} cannot be read: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  };
  const project = ts.getParsedCommandLineOfConfigFile(
    file,
    { noEmit: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: refuse },
  );
  const fault = project?.errors.find(({ category }) => category === ts.DiagnosticCategory.Error);
  // A project may consist of references alone.
  if (fault !== undefined && (project?.projectReferences ?? []).length === 0) refuse(fault);
  return project!;
}
