import type { QueuedEvent } from '../core/tree/event-queue.js';
import { contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-record.js';
import type { BlockingConsumer } from './blocking-consumer.js';
import { liveSignal } from './patience.js';
import type { QueueHarness } from './queue-harness.js';
import type { QueueNode } from './queue-node.js';

const MANY = 20;

/** Closing loses nothing. */
export function survivesClosing(isDurable: boolean): ContractClause<QueueHarness> {
  return {
    name: isDurable
      ? 'loses nothing when it is closed: the next hands over the rest'
      : 'hands over everything before it is closed',
    async attempt(bench) {
      const node = await bench.node();
      const events = contractEvents(MANY);
      node.send(events);
      await bench.close(node);
      const next = isDurable ? [await bench.node()] : [];
      await bench.expectHandedOver([node, ...next], events);
      bench.expectBalance(node, MANY);
    },
  };
}

/** What a consumer could not deliver comes again, to where it is missing. */
export const takesBack: readonly ContractClause<QueueHarness>[] = [
  {
    name: 'hands over again, where it is missing, what a consumer gave back when it was closed',
    async attempt(bench) {
      const { node, held } = await holdEvents(bench);
      const closed = node.close(liveSignal());
      await bench.endsAtOnce(closed); // children give back when closing is under way
      held.release(undelivered);
      await bench.within('close()', () => closed);
      await expectRest(bench, node, held);
    },
  },
  {
    name: 'closing again waits for what the first time cut short, and loses none of it',
    async attempt(bench) {
      const { node, held } = await holdEvents(bench);
      await bench.expectToHeedSignal('close()', (options) => node.close(options));
      held.release(undelivered);
      await bench.close(node);
      await expectRest(bench, node, held);
    },
  },
];

/** What is known of the events' types is as safe as they are. */
export const keepsRecords: ContractClause<QueueHarness> = {
  name: 'hands over again to the next a metadata record that was not taken',
  async attempt(bench) {
    const node = await bench.node();
    if (node.entrance.register === undefined) return; // its tree gives them to destinations at once
    node.refusesRecords = true;
    await bench.within('register(record)', () => node.register(contractRecord()));
    await bench.until(
      () => node.registered.length > 0,
      () => 'The metadata record was sent and not handed over.',
    );
    await bench.close(node);
    const next = await bench.node();
    await bench.until(
      () => next.registered.length > 0,
      () => 'The metadata record was not taken, and not handed over again.',
    );
  },
};

/** What was acknowledged is safe. */
export const survivesCrashes: ContractClause<QueueHarness> = {
  name: 'hands over after a crash what it had acknowledged, and what was being consumed',
  async attempt(bench) {
    const node = await bench.node();
    bench.hold(node);
    const events = contractEvents(MANY);
    node.send(events);
    await bench.until(
      () => node.stats().pending === 0,
      () => `${node.stats().pending} of ${MANY} events were not acknowledged`,
    );
    await bench.untilTaken([node], events.slice(0, 1));
    await bench.crash();
    const next = await bench.node();
    await bench.expectHandedOver([next], events, { atLeastOnce: true });
  },
};

/** Has a node take three events. */
async function holdEvents(
  bench: QueueHarness,
): Promise<{ node: QueueNode; held: BlockingConsumer }> {
  const node = await bench.node();
  const held = bench.hold(node);
  const events = contractEvents(3);
  node.send(events);
  await bench.untilTaken([node], events);
  return { node, held };
}

/** The first was delivered, the second missed one destination, the third two. */
function undelivered(events: readonly QueuedEvent[]): QueuedEvent[] {
  return events.flatMap(({ path, event }) => {
    const missed = Number(event.data['number']);
    return ['below', 'beside'].slice(0, missed).map((name) => ({ path: `${path}.${name}`, event }));
  });
}

async function expectRest(
  bench: QueueHarness,
  node: QueueNode,
  held: BlockingConsumer,
): Promise<void> {
  if (held.options?.keeps !== true) {
    throw new Error('The consumer was not told that the queue takes back what is left (keeps).');
  }
  const next = await bench.node();
  const rest = undelivered(node.taken).map(write);
  const found = (): string[] => next.taken.map(write);
  await bench.until(
    () => rest.every((each) => found().includes(each)),
    () => `given back were ${rest.join(', ')}; handed over again were ${found().join(', ')}`,
  );
  if (found().length === rest.length) return;
  throw new Error(
    `Given back were ${rest.join(', ')}; handed over again were ${found().join(', ')}.`,
  );
}

function write({ path, event }: QueuedEvent): string {
  return `number ${String(event.data['number'])} at '${path}'`;
}
