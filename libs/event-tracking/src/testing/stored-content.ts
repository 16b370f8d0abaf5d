import { CONTENT } from './contract-content.js';
import type { ContractPromise } from './contract-promise.js';

/** What is stored is what was sent. */
export const storedContent: readonly ContractPromise[] = CONTENT.map(({ what, events }) => ({
  name: `stores ${what}`,
  async attempt(bench) {
    const sent = events();
    await bench.deliver(await bench.create(), sent);
    await bench.expectStored(sent);
  },
}));
