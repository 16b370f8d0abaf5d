import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/root.js';
import { runNode } from '../support/run-node.js';

const HISTORIES = 2_000;
const SEED = Number(process.env['STORE_SEED'] ?? randomInt(2 ** 31));
const SPEC = 'libs/event-tracking/src/disk/store/event-store-histories.spec.ts';

it('The event store on disk survives thousands of random histories', async () => {
  console.log(`STORE_SEED=${SEED}`);
  const { code, output } = await runNode(
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', SPEC],
    {
      cwd: ROOT,
      env: { STORE_HISTORIES: `${HISTORIES}`, STORE_SEED: `${SEED}` },
    },
  );
  expect(code, output).toBe(0);
}, 1_800_000);
