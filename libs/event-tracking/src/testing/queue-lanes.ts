import type { UnacknowledgedEvent } from '../core/tree/event-queue.js';
import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import type { QueueHarness } from './queue-harness.js';
import type { QueueNode } from './queue-node.js';

const MANY = 20;

/** A queue that tells whether it is full gets events back that wait for one destination. */
export const redeliversDeferred: readonly ContractClause<QueueHarness>[] = [
  {
    name: 'redelivers deferred events to their destination, once, while others are delivered',
    async verify(harness) {
      const node = await harness.node();
      const deferring = deferNew(node);
      const [first, second] = [contractEvents(MANY), contractEvents(MANY)];
      node.send(first);
      await harness.untilReceived([node], first);
      node.send(second);
      await harness.untilReceived([node], second);
      if (deferring.isAccepted) await expectAtDestination(harness, node, [...first, ...second]);
    },
  },
  {
    name: 'keeps deferred events when it is closed before their destination gets them',
    async verify(harness) {
      const node = await harness.node();
      const closing = new AbortController();
      const deferring = deferNew(node, closing.signal);
      const events = contractEvents(MANY);
      node.send(events);
      await harness.untilReceived([node], events);
      const closed = harness.close(node);
      closing.abort();
      await closed;
      if (!deferring.isAccepted) return;
      const next = await harness.node();
      await expectAtDestination(harness, next, events);
    },
  },
];

function destinationOf(node: QueueNode): string {
  return `${node.position.path}.slow`;
}

/**
 * Defers new events to one of the node's destinations.
 *
 * @param closing - if given, the destination leaves its events undelivered once it aborts
 */
function deferNew(node: QueueNode, closing?: AbortSignal): { isAccepted: boolean } {
  const deferring = { isAccepted: false };
  node.consume = async (events, { isFull, keeps } = {}) => {
    deferring.isAccepted ||= isFull !== undefined && keeps === true;
    if (!deferring.isAccepted) return []; // events wait for all destinations
    const isNew = ({ path }: UnacknowledgedEvent): boolean => path === node.position.path;
    const deferred = events
      .filter(isNew)
      .map((event) => ({ ...event, path: destinationOf(node), isDeferred: true }));
    if (closing === undefined) return deferred;
    if (deferred.length < events.length) await aborted(closing);
    return [...deferred, ...events.filter((event) => !isNew(event))];
  };
  return deferring;
}

async function expectAtDestination(
  harness: QueueHarness,
  node: QueueNode,
  events: readonly { readonly id: string }[],
): Promise<void> {
  const there = (): string[] =>
    node.received.filter(({ path }) => path === destinationOf(node)).map(({ event }) => event.id);
  const missing = (): number => events.filter(({ id }) => !there().includes(id)).length;
  await harness.until(
    () => missing() === 0,
    () =>
      `${missing()} of ${events.length} deferred events were not delivered to their destination.`,
  );
  const extra = there().length - new Set(there()).size;
  if (extra > 0) throw new Error(`${extra} deferred events were delivered more than once.`);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}
