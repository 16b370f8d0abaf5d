import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';
import { loadPeer } from '../load-peer.js';
import { UsageError } from '../usage-error.js';

/** The compiler API of TypeScript. */
export type Compiler = typeof ts;

/**
 * Loads the TypeScript of the application.
 *
 * @throws {@link UsageError} if it is not installed or has no compiler API
 */
export async function loadCompiler(): Promise<Compiler> {
  const compiler: Partial<Compiler> = await loadPeer('typescript', 'discover', loadTypeScript);
  if (typeof compiler.createProgram === 'function') return compiler as Compiler;
  throw new UsageError(
    `discover: the installed TypeScript ${compiler.version ?? '(unknown version)'} has no compiler API. ` +
      `Install a version that has one: npm install --save-dev typescript@6.`,
  );
}

/**
 * TypeScript is not a peer, because any version may be installed. So it is not always visible from
 * this file, for example with pnpm, and is looked up from the working directory first.
 */
async function loadTypeScript(): Promise<Partial<Compiler>> {
  try {
    const require = createRequire(join(process.cwd(), 'package.json'));
    return require('typescript') as Partial<Compiler>;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error;
    const { default: compiler } = await import('typescript');
    return compiler;
  }
}
