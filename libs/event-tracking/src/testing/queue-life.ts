import { contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal } from './harness.js';
import type { QueueHarness } from './queue-harness.js';

/** Clauses about `start`, `check`, `flush` and `close` of a queue. */
export function queueLife(isShared: boolean): readonly ContractClause<QueueHarness>[] {
  return [
    {
      name: 'delivers nothing before start(), and then the events sent before it',
      async verify(harness) {
        const node = await harness.node({ start: false });
        if (node.producer.start === undefined) return;
        const events = contractEvents(3);
        node.send(events);
        await harness.expectToHonourSignal('flush()', (options) => node.flush(options));
        harness.expectNothingReceived(node, 'before the queue was started');
        node.start();
        await harness.flush(node);
        await harness.expectDelivered([node], events);
      },
    },
    isShared ? deliversInWorkersOnly : deliversWithoutWorker,
    {
      name: 'resolves check() while the queue is reachable',
      async verify(harness) {
        const queue = await harness.queue();
        const node = await harness.node({ queue });
        await harness.within('check()', async () => queue.check?.(liveSignal()));
        await harness.within('check() of a node', async () => node.producer.check?.(liveSignal()));
      },
    },
    isShared ? flushesIntoTheQueue : flushesToConsumers,
    {
      name: 'resolves flush() when nothing was sent',
      async verify(harness) {
        const node = await harness.node();
        await harness.flush(node);
        await harness.flush(node);
      },
    },
    {
      name: 'settles flush() when its signal aborts, even while a consumer is busy',
      async verify(harness) {
        const node = await harness.node();
        harness.block(node);
        node.send(contractEvents(3));
        await harness.expectToHonourSignal('flush()', (options) => node.flush(options));
      },
    },
    {
      name: 'waits in close() for events that are being consumed',
      async verify(harness) {
        const node = await harness.node();
        const consumer = harness.block(node);
        const events = contractEvents(3);
        node.send(events);
        await harness.untilReceived([node], events);
        const closed = node.close(liveSignal());
        if (await harness.settlesTooEarly(closed)) {
          throw new Error('close() resolved while a consumer was still busy.');
        }
        consumer.release();
        await harness.within('close()', () => closed);
        if (node.consumed < events.length) {
          throw new Error(
            `close() resolved when only ${node.consumed} of ${events.length} events were consumed.`,
          );
        }
      },
    },
    {
      name: 'settles close() when its signal aborts and accounts for every event',
      async verify(harness) {
        const node = await harness.node();
        const consumer = harness.block(node);
        const events = contractEvents(3);
        node.send(events);
        await harness.untilReceived([node], events);
        await harness.expectToHonourSignal('close()', (options) => node.close(options));
        consumer.release((received) => (consumer.options?.keeps === true ? received : []));
        await harness.close(node);
        harness.expectBalance(node, events.length);
        const { pending } = node.stats();
        if (pending > 0) throw new Error(`${pending} events are still pending after close().`);
      },
    },
    {
      name: 'delivers nothing after close() and counts later events as lost',
      async verify(harness) {
        const node = await harness.node();
        if (node.producer.close === undefined) return;
        const events = contractEvents(3);
        node.send(events);
        await harness.flush(node);
        await harness.expectDelivered([node], events);
        await harness.close(node);
        node.send(contractEvents(2));
        await harness.expectToHonourSignal('flush()', (options) => node.flush(options));
        if (node.received.length > events.length) {
          throw new Error('An event was delivered after close().');
        }
        harness.expectBalance(node, events.length + 2);
        const lost = Object.values(node.stats().dropped).reduce((sum, count) => sum + count, 0);
        if (lost !== 2)
          throw new Error(`2 events were sent after close(), but ${lost} were counted as lost.`);
      },
    },
    {
      name: 'tolerates repeated calls of close()',
      async verify(harness) {
        const queue = await harness.queue();
        const node = await harness.node({ queue });
        const events = contractEvents(3);
        node.send(events);
        await harness.flush(node);
        await harness.expectDelivered([node], events);
        await Promise.all([harness.close(node), harness.close(node)]);
        await harness.close(node);
        for (let time = 1; time <= 2; time++) {
          await harness.within('close() of the queue', async () => queue.close?.(liveSignal()));
        }
      },
    },
    {
      name: 'tolerates close() before anything was started or sent',
      async verify(harness) {
        await harness.close(await harness.node());
        await harness.close(await harness.node({ start: false }));
        const queue = await harness.queue();
        await harness.within('close() of the queue', async () => queue.close?.(liveSignal()));
      },
    },
  ];
}

const deliversInWorkersOnly: ContractClause<QueueHarness> = {
  name: 'delivers nothing in a process that is not a worker and everything in a worker',
  async verify(harness) {
    const idle = await harness.node({ start: { worker: false } });
    const events = contractEvents(3);
    idle.send(events);
    await harness.flush(idle);
    const worker = await harness.node();
    await harness.expectDelivered([worker], events);
    harness.expectNothingReceived(idle, 'in a process that is not a worker');
  },
};

const deliversWithoutWorker: ContractClause<QueueHarness> = {
  name: 'delivers the events of its own process whether or not it is a worker',
  async verify(harness) {
    const node = await harness.node({ start: { worker: false } });
    const events = contractEvents(3);
    node.send(events);
    await harness.flush(node);
    await harness.expectDelivered([node], events);
  },
};

const flushesToConsumers: ContractClause<QueueHarness> = {
  name: 'resolves flush() once all events sent before are consumed',
  async verify(harness) {
    const node = await harness.node();
    for (const count of [3, 6]) {
      const consumer = harness.block(node);
      const events = contractEvents(3);
      node.send(events);
      const flushed = node.flush(liveSignal());
      await harness.untilReceived([node], events);
      if (await harness.settlesTooEarly(flushed)) {
        throw new Error('flush() resolved while a consumer was still busy.');
      }
      consumer.release();
      await harness.within('flush()', () => flushed);
      if (node.consumed < count) {
        throw new Error(
          `flush() resolved when only ${node.consumed} of ${count} events were consumed.`,
        );
      }
    }
  },
};

const flushesIntoTheQueue: ContractClause<QueueHarness> = {
  name: 'resolves flush() once all events sent before are in the queue',
  async verify(harness) {
    const node = await harness.node({ start: { worker: false } });
    for (const count of [3, 6]) {
      node.send(contractEvents(3));
      await harness.flush(node);
      harness.expectBalance(node, count);
      const { delivered } = node.stats();
      if (delivered === count) continue;
      throw new Error(
        `flush() resolved when only ${delivered} of ${count} events were in the queue.`,
      );
    }
  },
};
