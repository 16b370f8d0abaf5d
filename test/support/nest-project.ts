import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './root.js';
import { runNode } from './run-node.js';

/** The compiler options of `nest new`, with all of `strict`. */
const COMPILER_OPTIONS = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2023',
  // The template lacks the types of `using`.
  lib: ['ES2023', 'ESNext.Disposable'],
  outDir: './dist',
  rootDir: '.',
  skipLibCheck: true,
  strict: true,
  types: ['node'],
};

/** A user's project with the library installed: it sees only the exports of the built package. */
export class NestProject implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async of(files: Readonly<Record<string, string>>): Promise<NestProject> {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'event-tracking-')));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
    const all = {
      ...files,
      'package.json': JSON.stringify({ type: 'module' }),
      'tsconfig.json': JSON.stringify({ compilerOptions: COMPILER_OPTIONS, exclude: ['dist'] }),
    };
    for (const [name, content] of Object.entries(all)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    }
    return new NestProject(directory);
  }

  /** Compiles the project; returns the compiler's output, which is empty if there are no errors. */
  async compile(): Promise<string> {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { output } = await runNode([compiler, '--pretty', 'false', '-p', this.directory]);
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
