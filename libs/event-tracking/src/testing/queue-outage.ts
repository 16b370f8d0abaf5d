import { contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal } from './patience.js';
import type { QueueHarness } from './queue-harness.js';

/** While the queue cannot be reached, events wait. */
export const duringQueueOutages: readonly ContractClause<QueueHarness>[] = [
  {
    name: 'check rejects during an outage, when its signal aborts at the latest, and resolves after it',
    async attempt(bench) {
      const queue = await bench.queue();
      await sendSome(bench, await bench.node({ queue }));
      if (queue.check === undefined) return;
      await bench.duringOutage(async () => {
        let isResolved = false;
        await bench.expectToHeedSignal('check()', async (options) => {
          await queue.check?.(options);
          isResolved = true;
        });
        if (isResolved) throw new Error('check() resolved though the queue could not be reached.');
      });
      await bench.within('check() after an outage', async () => queue.check?.(liveSignal()));
    },
  },
  {
    name: 'hands over after an outage what was sent during it',
    async attempt(bench) {
      const node = await bench.node();
      await sendSome(bench, node);
      const events = contractEvents(3);
      await bench.duringOutage(async () => {
        node.send(events);
        await bench.expectToHeedSignal('flush()', (options) => node.flush(options));
      });
      await bench.flush(node);
      await bench.expectHandedOver([node], events, { atLeastOnce: true });
    },
  },
];

/** Sends events in good times, so that connections stand. */
async function sendSome(
  bench: QueueHarness,
  node: Awaited<ReturnType<QueueHarness['node']>>,
): Promise<void> {
  const events = contractEvents(2);
  node.send(events);
  await bench.flush(node);
  await bench.expectHandedOver([node], events);
}
