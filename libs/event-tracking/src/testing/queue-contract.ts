import type { ContractCase } from './backend-contract-subject.js';
import { toCases, type ContractClause } from './contract-clause.js';
import { QueueHarness } from './queue-harness.js';
import { deliversContent, deliversRecords } from './queue-content.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import {
  redeliversRecords,
  survivesClosing,
  survivesCrashes,
  redeliversReturned,
} from './queue-durability.js';
import { redeliversDeferred } from './queue-lanes.js';
import { queueLife } from './queue-life.js';
import { countsOverflow, survivesFailingConsumers } from './queue-losses.js';
import { duringQueueOutages } from './queue-outage.js';
import {
  deliversOnce,
  isIndependent,
  copiesEvents,
  keepsOrder,
  sparesClosedNodes,
  servesSeveralNodes,
  survivesClosedNodes,
} from './queue-sending.js';

/**
 * Returns the contract of event queues as test cases for any runner.
 *
 * @remarks
 * The cases are independent: run them in any order, one at a time. Cases about optional methods (`start`,
 * `check`, `flush`, `close`) pass if the queue or its producer does not have the method.
 * @example
 * ```ts
 * describe('MemoryEventQueue', () => {
 *   const contract = queueContract({
 *     create: () => new MemoryEventQueue(),
 *     createSmall: (capacity) => new MemoryEventQueue({ capacity }),
 *   });
 *   for (const { name, run } of contract) it(name, run);
 * });
 * ```
 */
export function queueContract(subject: QueueContractSubject): readonly ContractCase[] {
  const { isShared = false, isDurable = isShared, keepsOrder: ordered = true } = subject;
  const clauses: readonly ContractClause<QueueHarness>[] = [
    ...deliversContent,
    deliversRecords,
    copiesEvents,
    deliversOnce,
    ...(ordered ? [keepsOrder] : []),
    servesSeveralNodes,
    survivesClosedNodes,
    ...(isShared ? [sparesClosedNodes] : []),
    isIndependent,
    ...queueLife(isShared),
    survivesClosing(isDurable),
    ...(isDurable ? [...redeliversReturned, ...redeliversDeferred, redeliversRecords] : []),
    ...(subject.crash === undefined ? [] : [survivesCrashes]),
    ...(subject.createSmall === undefined ? [] : [countsOverflow]),
    survivesFailingConsumers,
    ...(subject.outage === undefined ? [] : duringQueueOutages),
  ];
  return toCases(clauses, () => new QueueHarness(subject));
}
