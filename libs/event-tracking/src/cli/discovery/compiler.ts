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
  const module = await loadPeer('typescript', 'discover', () => import('typescript'));
  const compiler: Partial<Compiler> = module.default;
  if (typeof compiler?.createProgram === 'function') return module.default;
  throw new UsageError(
    `discover: the installed TypeScript ${compiler?.version ?? '(unknown version)'} has no compiler API. ` +
      `Install a version that has one: npm install --save-dev typescript@6.`,
  );
}
