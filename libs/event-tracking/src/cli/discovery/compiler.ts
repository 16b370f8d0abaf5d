import type ts from 'typescript';
import { peer } from '../peer.js';
import { UsageError } from '../usage-error.js';

/** What TypeScript offers to programs. */
export type Compiler = typeof ts;

/** @throws {@link UsageError} where it is not installed, or offers nothing to programs */
export async function loadCompiler(): Promise<Compiler> {
  const module = await peer('typescript', 'discover', () => import('typescript'));
  const compiler: Partial<Compiler> = module.default;
  if (typeof compiler?.createProgram === 'function') return module.default;
  throw new UsageError(
    `discover: TypeScript ${compiler?.version ?? 'of this version'} has no compiler API that is known here. ` +
      `Install one that has: npm install --save-dev typescript@6.`,
  );
}
