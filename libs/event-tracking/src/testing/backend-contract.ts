import { backendLife } from './backend-life.js';
import type { BackendContractSubject, ContractCase } from './backend-contract-subject.js';
import { BackendHarness } from './backend-harness.js';
import { toCases, type ContractClause } from './contract-clause.js';
import { keepsNoReference, modifiesNoEvent } from './backend-ownership.js';
import { duringOutages } from './backend-outage.js';
import { confirmsNothingDuringOutages, confirmsStored } from './backend-persistence.js';
import { isIndependent, keepsOrder, storesBatches, storesOnce } from './backend-storage.js';
import { storesContent } from './backend-storage.js';

/**
 * Returns the contract of backends as test cases for any runner.
 *
 * @remarks
 * The cases are independent: run them in any order, one at a time. Cases about optional methods
 * (`sendBatch`, `check`, `flush`, `close`) pass if the backend does not have the method.
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
  const clauses: readonly ContractClause[] = [
    ...storesContent,
    modifiesNoEvent,
    ...(subject.keepsReference === true ? [] : [keepsNoReference]),
    ...(ordered ? [keepsOrder] : []),
    storesBatches,
    ...(once ? [storesOnce] : []),
    isIndependent,
    ...backendLife,
    confirmsStored,
    ...(subject.outage === undefined ? [] : [...duringOutages(once), confirmsNothingDuringOutages]),
  ];
  return toCases(clauses, () => new BackendHarness(subject));
}
