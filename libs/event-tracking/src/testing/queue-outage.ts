import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal } from './harness.js';
import type { QueueHarness } from './queue-harness.js';

/** Clauses about an outage of the queue's storage: events must wait for its end. */
export const duringQueueOutages: readonly ContractClause<QueueHarness>[] = [
  {
    name: 'rejects check() during an outage, by its deadline, and resolves it afterwards',
    async verify(harness) {
      const queue = await harness.queue();
      await openConnections(harness, await harness.node({ queue }));
      if (queue.check === undefined) return;
      await harness.duringOutage(async () => {
        let isResolved = false;
        await harness.expectToHonourSignal('check()', async (options) => {
          await queue.check?.(options);
          isResolved = true;
        });
        if (isResolved) throw new Error('check() resolved although the queue was unreachable.');
      });
      await harness.within('check() after an outage', async () => queue.check?.(liveSignal()));
    },
  },
  {
    name: 'delivers events sent during an outage once it ends',
    async verify(harness) {
      const node = await harness.node();
      await openConnections(harness, node);
      const events = contractEvents(3);
      await harness.duringOutage(async () => {
        node.send(events);
        await harness.expectToHonourSignal('flush()', (options) => node.flush(options));
      });
      await harness.flush(node);
      await harness.expectDelivered([node], events, { atLeastOnce: true });
    },
  },
];

/** Sends events before the outage to open connections. */
async function openConnections(
  harness: QueueHarness,
  node: Awaited<ReturnType<QueueHarness['node']>>,
): Promise<void> {
  const events = contractEvents(2);
  node.send(events);
  await harness.flush(node);
  await harness.expectDelivered([node], events);
}
