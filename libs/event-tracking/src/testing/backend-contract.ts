import { backendLife } from './backend-life.js';
import type { BackendContractSubject, ContractCase } from './backend-contract-subject.js';
import { ContractHarness } from './contract-harness.js';
import { casesOf, type ContractClause } from './contract-clause.js';
import { keepsNoReference, leavesEventsAlone } from './event-ownership.js';
import { duringOutages } from './outage.js';
import { keepsApart, keepsOrder, storesBatches, storesOnce } from './sending.js';
import { storedContent } from './stored-content.js';

/**
 * What every backend promises, as tests for any runner.
 *
 * @remarks
 * The cases are independent of each other and may run in any order, one after another. What a backend leaves out (`sendBatch`,
 * `check`, `flush`, `close`) it need not keep.
 * @example
 * ```ts
 * const file = join(await mkdtemp(join(tmpdir(), 'events-')), 'events.ndjson');
 *
 * describe('FileBackend', () => {
 *   const contract = backendContract({
 *     create: () => new FileBackend(file),
 *     stored: async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean).map(parseEvent),
 *     cleanUp: () => rm(file, { force: true }),
 *     storesOnce: false,
 *   });
 *   for (const { name, run } of contract) it(name, run);
 * });
 * ```
 */
export function backendContract(subject: BackendContractSubject): readonly ContractCase[] {
  const { keepsOrder: ordered = true, storesOnce: once = true } = subject;
  const promises: readonly ContractClause[] = [
    ...storedContent,
    leavesEventsAlone,
    ...(subject.keepsReference === true ? [] : [keepsNoReference]),
    ...(ordered ? [keepsOrder] : []),
    storesBatches,
    ...(once ? [storesOnce] : []),
    keepsApart,
    ...backendLife,
    ...(subject.outage === undefined ? [] : duringOutages(once)),
  ];
  return casesOf(promises, () => new ContractHarness(subject));
}
