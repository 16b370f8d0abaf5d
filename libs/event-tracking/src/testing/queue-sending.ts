import { copyOf } from '../core/event/snapshot.js';
import { contractEvent, contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { expectAlike } from './expect-same.js';
import type { QueueHarness } from './queue-harness.js';
import type { NodePosition } from './queue-node.js';

const MANY = 250;

/** Names may contain any character but a dot; the path of a root is empty. */
const POSITIONS: readonly NodePosition[] = [
  { tracker: 'contract', path: '' },
  { tracker: 'contract', path: 'node' },
  { tracker: 'contract', path: 'node.below' },
  { tracker: 'contract', path: 'a:b' },
  { tracker: 'contract', path: 'a_b' },
  { tracker: 'contract', path: 'a/b %7E ü' },
  { tracker: 'other', path: 'node' },
];

/** The caller may reuse an event object after sending it. */
export const copiesEvents: ContractClause<QueueHarness> = {
  name: 'neither modifies the events it receives nor sees later changes to them',
  async verify(harness) {
    const node = await harness.node();
    const sent = [1, 2, 3].map((number) =>
      contractEvent({ data: { course: { number }, at: new Date(number) } }),
    );
    const before = copyOf(sent);
    await harness.within('send(event)', async () => {
      await Promise.all(sent.map(async (event) => node.producer.send(event)));
    });
    for (const [index, event] of sent.entries()) {
      expectAlike(event, before[index]!, `The event '${event.name}' was changed by the queue`);
      event.name = 'contract.changed_later';
      event.timestamp.setTime(0);
      (event.data['at'] as Date).setTime(0);
      event.data['course'] = { id: 'changed later' };
      event.context['added'] = 'later';
    }
    await harness.flush(node);
    await harness.expectDelivered([node], before);
  },
};

export const keepsOrder: ContractClause<QueueHarness> = {
  name: 'delivers the events of a node in the order in which they were sent',
  async verify(harness) {
    const node = await harness.node();
    const sent = contractEvents(MANY);
    node.send(sent.slice(0, MANY / 2));
    await harness.flush(node);
    node.send(sent.slice(MANY / 2));
    await harness.flush(node);
    await harness.expectDelivered([node], sent);
    const numbers = node.received.map(({ event }) => event.data['number']);
    const wrong = numbers.findIndex((number, index) => number !== index);
    if (wrong === -1) return;
    throw new Error(
      `${MANY} numbered events were sent in order, but event ${String(numbers[wrong])} was delivered as number ${wrong}.`,
    );
  },
};

export const deliversOnce: ContractClause<QueueHarness> = {
  name: 'delivers each event once, even in large numbers',
  async verify(harness) {
    const node = await harness.node();
    const sent = contractEvents(MANY);
    node.send(sent);
    await harness.flush(node);
    await harness.expectDelivered([node], sent);
    harness.expectBalance(node, MANY);
  },
};

/** One queue may serve all nodes of an application. */
export const servesSeveralNodes: ContractClause<QueueHarness> = {
  name: 'serves several nodes and delivers each event to its own node',
  async verify(harness) {
    const queue = await harness.queue();
    const nodes = await Promise.all(POSITIONS.map((position) => harness.node({ queue, position })));
    const sent = contractEvents(4);
    for (const event of sent) {
      for (const node of nodes) node.send([event]); // a tree sends one event to several nodes
    }
    const last = nodes.map(() => contractEvents(1));
    for (const [index, node] of nodes.entries()) node.send(last[index]!);
    for (const [index, node] of nodes.entries()) {
      await harness.flush(node);
      await harness.expectDelivered([node], [...sent, ...last[index]!]);
    }
    for (const node of nodes) {
      if (node.received.length === sent.length + 1) continue;
      throw new Error(`The node '${node.position.path}' received events of another node.`);
    }
  },
};

/** An application with several trackers may close one of them. */
export const survivesClosedNodes: ContractClause<QueueHarness> = {
  name: 'keeps serving a node after other nodes are closed',
  async verify(harness) {
    const queue = await harness.queue();
    const positions = POSITIONS.slice(0, 3);
    const [open, ...others] = await Promise.all(
      positions.map((position) => harness.node({ queue, position })),
    );
    for (const node of others) {
      await harness.close(node);
      await harness.close(node);
    }
    const sent = contractEvents(3);
    open!.send(sent);
    await harness.flush(open!);
    await harness.expectDelivered([open!], sent);
  },
};

/** A worker may close one node and keep working for others. */
export const sparesClosedNodes: ContractClause<QueueHarness> = {
  name: 'delivers nothing to a closed node while other nodes are open',
  async verify(harness) {
    const queue = await harness.queue();
    const [position, other] = POSITIONS.slice(1);
    const [closed, open] = await Promise.all([
      harness.node({ queue, position: position! }),
      harness.node({ queue, position: other! }),
    ]);
    await harness.close(closed);
    const elsewhere = await harness.node({ position: position!, start: { worker: false } });
    const [events, ofOpen] = [contractEvents(3), contractEvents(3)];
    elsewhere.send(events);
    await harness.flush(elsewhere);
    open.send(ofOpen);
    await harness.flush(open);
    await harness.expectDelivered([open], ofOpen);
    await harness.expectDelivered([await harness.node({ position: position! })], events);
    harness.expectNothingReceived(closed, 'to a closed node');
  },
};

/** The queues of several processes, or of several applications in one process. */
export const isIndependent: ContractClause<QueueHarness> = {
  name: 'delivers each event once when several queues run side by side',
  async verify(harness) {
    const [left, right] = [await harness.node(), await harness.node()];
    const [ofLeft, ofRight] = [contractEvents(20), contractEvents(20)];
    for (const [index, event] of ofLeft.entries()) {
      left.send([event]);
      right.send([ofRight[index]!]);
    }
    await Promise.all([harness.flush(left), harness.flush(right)]);
    if (harness.subject.isShared === true) {
      await harness.expectDelivered([left, right], [...ofLeft, ...ofRight]);
      return;
    }
    await harness.expectDelivered([left], ofLeft);
    await harness.expectDelivered([right], ofRight);
    if (left.received.length + right.received.length > ofLeft.length + ofRight.length) {
      throw new Error('A queue delivered events of another queue.');
    }
  },
};
