import type { QueuedEvent } from '../core/tree/event-queue.js';
import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-samples.js';
import type { BlockingConsumer } from './blocking-consumer.js';
import { liveSignal } from './harness.js';
import type { QueueHarness } from './queue-harness.js';
import type { QueueNode } from './queue-node.js';

const MANY = 20;

/** Closing loses no events. */
export function survivesClosing(isDurable: boolean): ContractClause<QueueHarness> {
  return {
    name: isDurable
      ? 'leaves undelivered events to the next queue when it is closed'
      : 'delivers all events before close() resolves',
    async verify(harness) {
      const node = await harness.node();
      const events = contractEvents(MANY);
      node.send(events);
      await harness.close(node);
      const next = isDurable ? [await harness.node()] : [];
      await harness.expectDelivered([node, ...next], events);
      harness.expectBalance(node, MANY);
    },
  };
}

/** Events that a consumer returns are delivered again, only to the destinations that missed them. */
export const redeliversReturned: readonly ContractClause<QueueHarness>[] = [
  {
    name: 'redelivers events returned during close() to the destinations that missed them',
    async verify(harness) {
      const { node, consumer } = await blockConsumer(harness);
      const closed = node.close(liveSignal());
      await harness.settlesTooEarly(closed); // consumers return events while close() is in progress
      consumer.release(undelivered);
      await harness.within('close()', () => closed);
      await expectRedelivery(harness, node, consumer);
    },
  },
  {
    name: 'completes an aborted close() without losing events when it is called again',
    async verify(harness) {
      const { node, consumer } = await blockConsumer(harness);
      await harness.expectToHonourSignal('close()', (options) => node.close(options));
      consumer.release(undelivered);
      await harness.close(node);
      await expectRedelivery(harness, node, consumer);
    },
  },
];

/** Metadata records are as durable as events. */
export const redeliversRecords: ContractClause<QueueHarness> = {
  name: 'redelivers a rejected metadata record through the next queue',
  async verify(harness) {
    const node = await harness.node();
    if (node.producer.register === undefined) return; // the tree registers records without the queue
    node.rejectsRecords = true;
    await harness.within('register(record)', () => node.register(contractRecord()));
    await harness.until(
      () => node.registered.length > 0,
      () => 'The metadata record was sent but not delivered.',
    );
    await harness.close(node);
    const next = await harness.node();
    await harness.until(
      () => next.registered.length > 0,
      () => 'The metadata record was rejected but not delivered again.',
    );
  },
};

/** Acknowledged events survive a crash. */
export const survivesCrashes: ContractClause<QueueHarness> = {
  name: 'redelivers acknowledged events and events in progress after a crash',
  async verify(harness) {
    const node = await harness.node();
    harness.block(node);
    const events = contractEvents(MANY);
    node.send(events);
    await harness.until(
      () => node.stats().pending === 0,
      () => `${node.stats().pending} of ${MANY} events were not acknowledged`,
    );
    await harness.untilReceived([node], events.slice(0, 1));
    await harness.crash();
    const next = await harness.node();
    await harness.expectDelivered([next], events, { atLeastOnce: true });
  },
};

/** Makes a node receive three events that its consumer does not finish. */
async function blockConsumer(
  harness: QueueHarness,
): Promise<{ node: QueueNode; consumer: BlockingConsumer }> {
  const node = await harness.node();
  const consumer = harness.block(node);
  const events = contractEvents(3);
  node.send(events);
  await harness.untilReceived([node], events);
  return { node, consumer };
}

/** Event 0 reached all destinations, event 1 missed one, event 2 missed both. */
function undelivered(events: readonly QueuedEvent[]): QueuedEvent[] {
  return events.flatMap(({ path, event }) => {
    const missed = Number(event.data['number']);
    return ['below', 'other'].slice(0, missed).map((name) => ({ path: `${path}.${name}`, event }));
  });
}

async function expectRedelivery(
  harness: QueueHarness,
  node: QueueNode,
  consumer: BlockingConsumer,
): Promise<void> {
  if (consumer.options?.keeps !== true) {
    throw new Error(
      'The queue did not pass `keeps: true` to the consumer, although it keeps returned events.',
    );
  }
  const next = await harness.node();
  const rest = undelivered(node.received).map(formatQueued);
  const found = (): string[] => next.received.map(formatQueued);
  await harness.until(
    () => rest.every((each) => found().includes(each)),
    () =>
      `The consumer returned ${rest.join(', ')}; not all were redelivered, only ${found().join(', ')}`,
  );
  if (found().length === rest.length) return;
  throw new Error(
    `The consumer returned ${rest.join(', ')}; the next queue delivered ${found().join(', ')}.`,
  );
}

function formatQueued({ path, event }: QueuedEvent): string {
  return `event ${String(event.data['number'])} at '${path}'`;
}
