import { CONTENT } from './contract-content.js';
import type { ContractClause } from './contract-clause.js';

/** What is stored is what was sent. */
export const storedContent: readonly ContractClause[] = CONTENT.map(({ what, events }) => ({
  name: `stores ${what}`,
  async attempt(bench) {
    const sent = events();
    await bench.deliver(await bench.create(), sent);
    await bench.expectStored(sent);
  },
}));
