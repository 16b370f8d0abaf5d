import type { ContractCase } from './backend-contract-subject.js';
import { casesOf, type ContractClause } from './contract-clause.js';
import { QueueHarness } from './queue-harness.js';
import { handedOverContent, handsOverRecords } from './queue-content.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import { keepsRecords, survivesClosing, survivesCrashes, takesBack } from './queue-durability.js';
import { queueLife } from './queue-life.js';
import { countsOverflow, survivesConsumers } from './queue-losses.js';
import { duringQueueOutages } from './queue-outage.js';
import {
  handsOverOnce,
  keepsApart,
  keepsItsOwn,
  keepsOrder,
  leavesClosedNodes,
  servesSeveralNodes,
  survivesClosedNodes,
} from './queue-sending.js';

/**
 * What every event queue promises, as tests for any runner.
 *
 * @remarks
 * The cases are independent of each other and may run in any order, one after another. What a queue or its entrance leaves out
 * (`start`, `check`, `flush`, `close`) it need not keep.
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
  const promises: readonly ContractClause<QueueHarness>[] = [
    ...handedOverContent,
    handsOverRecords,
    keepsItsOwn,
    handsOverOnce,
    ...(ordered ? [keepsOrder] : []),
    servesSeveralNodes,
    survivesClosedNodes,
    ...(isShared ? [leavesClosedNodes] : []),
    keepsApart,
    ...queueLife(isShared),
    survivesClosing(isDurable),
    ...(isDurable ? [...takesBack, keepsRecords] : []),
    ...(subject.crash === undefined ? [] : [survivesCrashes]),
    ...(subject.createSmall === undefined ? [] : [countsOverflow]),
    survivesConsumers,
    ...(subject.outage === undefined ? [] : duringQueueOutages),
  ];
  return casesOf(promises, () => new QueueHarness(subject));
}
