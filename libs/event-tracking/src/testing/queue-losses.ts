import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import type { QueueHarness } from './queue-harness.js';

const CAPACITY = 10;
const MANY = 100;

export const countsOverflow: ContractClause<QueueHarness> = {
  name: 'counts events beyond its capacity as overflow and delivers the rest',
  async verify(harness) {
    const { createSmall } = harness.subject;
    const queue = await harness.queue(() => createSmall!.call(harness.subject, CAPACITY));
    const node = await harness.node({ queue });
    const consumer = harness.block(node);
    const events = contractEvents(MANY);
    node.send(events);
    consumer.release();
    await harness.flush(node);
    harness.expectBalance(node, MANY);
    const { overflow = 0 } = node.stats().dropped;
    if (overflow === 0) {
      throw new Error(
        `${MANY} events were sent at once to a queue with a capacity of ${CAPACITY}, but none was counted as overflow.`,
      );
    }
    const received = (): number => new Set(node.received.map(({ event }) => event.id)).size;
    await harness.until(
      () => received() === MANY - overflow,
      () =>
        `${MANY} events were sent and ${overflow} counted as overflow, but ${received()} were delivered`,
    );
  },
};

/** Consumers must not reject; one that does must not stop the queue. */
export const survivesFailingConsumers: ContractClause<QueueHarness> = {
  name: 'keeps working after a consumer fails',
  async verify(harness) {
    const node = await harness.node();
    node.consume = () => Promise.reject(new Error('a consumer failed'));
    const unlucky = contractEvents(2);
    node.send(unlucky);
    await harness.untilReceived([node], unlucky);
    node.consume = async () => [];
    const events = contractEvents(3);
    node.send(events);
    await harness.flush(node);
    await harness.expectDelivered([node], events);
    harness.expectBalance(node, unlucky.length + events.length);
  },
};
