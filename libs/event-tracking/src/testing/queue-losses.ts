import { contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import type { QueueHarness } from './queue-harness.js';

const CAPACITY = 10;
const MANY = 100;

/** What does not fit is lost, and counted. */
export const countsOverflow: ContractClause<QueueHarness> = {
  name: 'counts what does not fit, and hands over the rest',
  async attempt(bench) {
    const { createSmall } = bench.subject;
    const queue = await bench.queue(() => createSmall!.call(bench.subject, CAPACITY));
    const node = await bench.node({ queue });
    const held = bench.hold(node);
    const events = contractEvents(MANY);
    node.send(events);
    held.release();
    await bench.flush(node);
    bench.expectBalance(node, MANY);
    const { overflow = 0 } = node.stats().dropped;
    if (overflow === 0) {
      throw new Error(
        `${MANY} events were sent at once to a queue in which ${CAPACITY} may wait, and none counted as overflow.`,
      );
    }
    const taken = (): number => new Set(node.taken.map(({ event }) => event.id)).size;
    await bench.until(
      () => taken() === MANY - overflow,
      () => `${MANY} events were sent, ${overflow} counted as overflow, and ${taken()} handed over`,
    );
  },
};

/** A consumer never rejects; one that does all the same harms itself. */
export const survivesConsumers: ContractClause<QueueHarness> = {
  name: 'goes on when a consumer has failed, and lets nobody know but a log',
  async attempt(bench) {
    const node = await bench.node();
    node.consume = () => Promise.reject(new Error('a consumer failed'));
    const unlucky = contractEvents(2);
    node.send(unlucky);
    await bench.untilTaken([node], unlucky);
    node.consume = async () => [];
    const events = contractEvents(3);
    node.send(events);
    await bench.flush(node);
    await bench.expectHandedOver([node], events);
    bench.expectBalance(node, unlucky.length + events.length);
  },
};
