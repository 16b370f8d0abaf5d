import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/root.js';
import { runNode } from '../support/run-node.js';

const HISTORIES = 400;
const SEED = Number(process.env['QUEUE_SEED'] ?? randomInt(2 ** 31));
const SPEC = 'test/queue-histories.spec.ts';

it('Each event queue survives hundreds of random histories', async () => {
  console.log(`QUEUE_SEED=${SEED}`);
  const { code, output } = await runNode(
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', SPEC],
    {
      cwd: ROOT,
      env: { QUEUE_HISTORIES: `${HISTORIES}`, QUEUE_SEED: `${SEED}` },
    },
  );
  expect(code, output).toBe(0);
}, 1_800_000);
