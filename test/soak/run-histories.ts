import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../support/root.js';
import { runNode } from '../support/run-node.js';

/**
 * Runs a spec of random histories with more of them than `npm test` does.
 *
 * @param prefix - of the variables `…_HISTORIES` and `…_SEED`; the seed is printed, and can be given
 */
export async function runHistories(spec: string, prefix: string, count: number): Promise<void> {
  const seed = Number(process.env[`${prefix}_SEED`] ?? randomInt(2 ** 31));
  console.log(`${prefix}_SEED=${seed}`);
  const { code, output } = await runNode(
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', spec],
    { cwd: ROOT, env: { [`${prefix}_HISTORIES`]: `${count}`, [`${prefix}_SEED`]: `${seed}` } },
  );
  expect(code, output).toBe(0);
}
