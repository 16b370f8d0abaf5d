import { it } from 'vitest';
import { runHistories } from './run-histories.js';

const SPEC = 'libs/event-tracking/src/disk/store/event-store-histories.spec.ts';

it('The event store on disk survives thousands of random histories', async () => {
  await runHistories(SPEC, 'STORE', 2_000);
}, 1_800_000);
