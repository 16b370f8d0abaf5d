import { contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { liveSignal } from './patience.js';
import type { QueueHarness } from './queue-harness.js';

/** `start`, `check`, `flush` and `close` do what they are called. */
export function queueLife(isShared: boolean): readonly ContractClause<QueueHarness>[] {
  return [
    {
      name: 'hands nothing over before it is started, and then what was sent before',
      async attempt(bench) {
        const node = await bench.node({ start: false });
        if (node.entrance.start === undefined) return;
        const events = contractEvents(3);
        node.send(events);
        await bench.expectToHeedSignal('flush()', (options) => node.flush(options));
        bench.expectNothingTaken(node, 'before the queue was started');
        node.start();
        await bench.flush(node);
        await bench.expectHandedOver([node], events);
      },
    },
    isShared ? leavesWorkToWorkers : doesItsOwnWork,
    {
      name: 'check resolves when the queue can be reached',
      async attempt(bench) {
        const queue = await bench.queue();
        const node = await bench.node({ queue });
        await bench.within('check()', async () => queue.check?.(liveSignal()));
        await bench.within('check() of a node', async () => node.entrance.check?.(liveSignal()));
      },
    },
    isShared ? flushesIntoTheQueue : flushesThrough,
    {
      name: 'flush resolves when nothing was sent',
      async attempt(bench) {
        const node = await bench.node();
        await bench.flush(node);
        await bench.flush(node);
      },
    },
    {
      name: 'flush ends when its signal aborts, whatever consumers do',
      async attempt(bench) {
        const node = await bench.node();
        bench.hold(node);
        node.send(contractEvents(3));
        await bench.expectToHeedSignal('flush()', (options) => node.flush(options));
      },
    },
    {
      name: 'close waits for what is being consumed',
      async attempt(bench) {
        const node = await bench.node();
        const held = bench.hold(node);
        const events = contractEvents(3);
        node.send(events);
        await bench.untilTaken([node], events);
        const closed = node.close(liveSignal());
        if (await bench.endsAtOnce(closed)) {
          throw new Error('close() resolved though a consumer was still at work.');
        }
        held.release();
        await bench.within('close()', () => closed);
        if (node.ended < events.length) {
          throw new Error(
            `close() resolved when ${node.ended} of ${events.length} events had ended.`,
          );
        }
      },
    },
    {
      name: 'close ends when its signal aborts, and accounts for everything',
      async attempt(bench) {
        const node = await bench.node();
        const held = bench.hold(node);
        const events = contractEvents(3);
        node.send(events);
        await bench.untilTaken([node], events);
        await bench.expectToHeedSignal('close()', (options) => node.close(options));
        held.release((taken) => (held.options?.keeps === true ? taken : []));
        await bench.close(node);
        bench.expectBalance(node, events.length);
        const { pending } = node.stats();
        if (pending > 0)
          throw new Error(`${pending} events are pending though the queue is closed.`);
      },
    },
    {
      name: 'hands nothing over once it is closed, and counts as lost what comes later',
      async attempt(bench) {
        const node = await bench.node();
        if (node.entrance.close === undefined) return;
        const events = contractEvents(3);
        node.send(events);
        await bench.flush(node);
        await bench.expectHandedOver([node], events);
        await bench.close(node);
        node.send(contractEvents(2));
        await bench.expectToHeedSignal('flush()', (options) => node.flush(options));
        if (node.taken.length > events.length) {
          throw new Error('An event was handed over though the queue was closed.');
        }
        bench.expectBalance(node, events.length + 2);
        const lost = Object.values(node.stats().dropped).reduce((sum, count) => sum + count, 0);
        if (lost !== 2)
          throw new Error(`2 events were sent after close(), and ${lost} counted as lost.`);
      },
    },
    {
      name: 'close does no harm when it is called again',
      async attempt(bench) {
        const queue = await bench.queue();
        const node = await bench.node({ queue });
        const events = contractEvents(3);
        node.send(events);
        await bench.flush(node);
        await bench.expectHandedOver([node], events);
        await Promise.all([bench.close(node), bench.close(node)]);
        await bench.close(node);
        for (let time = 1; time <= 2; time++) {
          await bench.within('close() of the queue', async () => queue.close?.(liveSignal()));
        }
      },
    },
    {
      name: 'close does no harm before anything was started or sent',
      async attempt(bench) {
        await bench.close(await bench.node());
        await bench.close(await bench.node({ start: false }));
        const queue = await bench.queue();
        await bench.within('close() of the queue', async () => queue.close?.(liveSignal()));
      },
    },
  ];
}

const leavesWorkToWorkers: ContractClause<QueueHarness> = {
  name: 'hands nothing over in a process that is no worker, and everything in one that is',
  async attempt(bench) {
    const idle = await bench.node({ start: { worker: false } });
    const events = contractEvents(3);
    idle.send(events);
    await bench.flush(idle);
    const worker = await bench.node();
    await bench.expectHandedOver([worker], events);
    bench.expectNothingTaken(idle, 'in a process that is no worker');
  },
};

const doesItsOwnWork: ContractClause<QueueHarness> = {
  name: "hands over a process's own events there, be it a worker or not",
  async attempt(bench) {
    const node = await bench.node({ start: { worker: false } });
    const events = contractEvents(3);
    node.send(events);
    await bench.flush(node);
    await bench.expectHandedOver([node], events);
  },
};

const flushesThrough: ContractClause<QueueHarness> = {
  name: 'flush resolves when what was sent has been consumed, each time',
  async attempt(bench) {
    const node = await bench.node();
    for (const count of [3, 6]) {
      const held = bench.hold(node);
      const events = contractEvents(3);
      node.send(events);
      const flushed = node.flush(liveSignal());
      await bench.untilTaken([node], events);
      if (await bench.endsAtOnce(flushed)) {
        throw new Error('flush() resolved though a consumer was still at work.');
      }
      held.release();
      await bench.within('flush()', () => flushed);
      if (node.ended < count) {
        throw new Error(`flush() resolved when ${node.ended} of ${count} events had ended.`);
      }
    }
  },
};

const flushesIntoTheQueue: ContractClause<QueueHarness> = {
  name: 'flush resolves when what was sent is in the queue, each time',
  async attempt(bench) {
    const node = await bench.node({ start: { worker: false } });
    for (const count of [3, 6]) {
      node.send(contractEvents(3));
      await bench.flush(node);
      bench.expectBalance(node, count);
      const { delivered } = node.stats();
      if (delivered === count) continue;
      throw new Error(`flush() resolved when ${delivered} of ${count} events were in the queue.`);
    }
  },
};
