import { it } from 'vitest';
import { runHistories } from './run-histories.js';

it('Each event queue survives hundreds of random histories', async () => {
  await runHistories('test/queue-histories.spec.ts', 'QUEUE', 400);
}, 1_800_000);
