import { copyOf } from '../core/event/snapshot.js';
import { contractEvent, contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { expectAlike } from './expect-same.js';
import type { QueueHarness } from './queue-harness.js';
import type { NodePlace } from './queue-node.js';

const MANY = 250;

/** Names are anything but dots; the root of a tracker has none. */
const PLACES: readonly NodePlace[] = [
  { tracker: 'contract', path: '' },
  { tracker: 'contract', path: 'node' },
  { tracker: 'contract', path: 'node.below' },
  { tracker: 'contract', path: 'a:b' },
  { tracker: 'contract', path: 'a_b' },
  { tracker: 'contract', path: 'a/b %7E ü' },
  { tracker: 'other', path: 'node' },
];

/** What is handed over is what was sent, whatever becomes of the object. */
export const keepsItsOwn: ContractClause<QueueHarness> = {
  name: 'neither changes the events it is sent, nor sees what others change in them later',
  async attempt(bench) {
    const node = await bench.node();
    const sent = [1, 2, 3].map((number) =>
      contractEvent({ data: { course: { number }, at: new Date(number) } }),
    );
    const before = copyOf(sent);
    await bench.within('send(event)', async () => {
      await Promise.all(sent.map(async (event) => node.entrance.send(event)));
    });
    for (const [index, event] of sent.entries()) {
      expectAlike(event, before[index]!, `The event '${event.name}' was changed by the queue`);
      event.name = 'contract.changed_later';
      event.timestamp.setTime(0);
      (event.data['at'] as Date).setTime(0);
      event.data['course'] = { id: 'changed later' };
      event.context['added'] = 'later';
    }
    await bench.flush(node);
    await bench.expectHandedOver([node], before);
  },
};

/** Events come out in the order in which they went in. */
export const keepsOrder: ContractClause<QueueHarness> = {
  name: "hands a node's events over in the order of their sends",
  async attempt(bench) {
    const node = await bench.node();
    const sent = contractEvents(MANY);
    node.send(sent.slice(0, MANY / 2));
    await bench.flush(node);
    node.send(sent.slice(MANY / 2));
    await bench.flush(node);
    await bench.expectHandedOver([node], sent);
    const numbers = node.taken.map(({ event }) => event.data['number']);
    const wrong = numbers.findIndex((number, index) => number !== index);
    if (wrong === -1) return;
    throw new Error(
      `${MANY} events were sent in the order of their numbers; number ${String(numbers[wrong])} was handed over as number ${wrong}.`,
    );
  },
};

/** Whoever handles events at once may get many. */
export const handsOverOnce: ContractClause<QueueHarness> = {
  name: 'hands over each event once, however many there are',
  async attempt(bench) {
    const node = await bench.node();
    const sent = contractEvents(MANY);
    node.send(sent);
    await bench.flush(node);
    await bench.expectHandedOver([node], sent);
    bench.expectBalance(node, MANY);
  },
};

/** One queue serves a whole application. */
export const servesSeveralNodes: ContractClause<QueueHarness> = {
  name: 'serves several nodes, each with its own events',
  async attempt(bench) {
    const queue = await bench.queue();
    const nodes = await Promise.all(PLACES.map((place) => bench.node({ queue, place })));
    const sent = contractEvents(4);
    for (const event of sent) {
      for (const node of nodes) node.send([event]); // one event at several nodes, as in a tree
    }
    const last = nodes.map(() => contractEvents(1));
    for (const [index, node] of nodes.entries()) node.send(last[index]!);
    for (const [index, node] of nodes.entries()) {
      await bench.flush(node);
      await bench.expectHandedOver([node], [...sent, ...last[index]!]);
    }
    for (const node of nodes) {
      if (node.taken.length === sent.length + 1) continue;
      throw new Error(`The node '${node.place.path}' was given events of another node.`);
    }
  },
};

/** An application has many trackers, and closes one of them. */
export const survivesClosedNodes: ContractClause<QueueHarness> = {
  name: 'goes on serving a node when others are closed',
  async attempt(bench) {
    const queue = await bench.queue();
    const places = PLACES.slice(0, 3);
    const [stays, ...others] = await Promise.all(
      places.map((place) => bench.node({ queue, place })),
    );
    for (const node of others) {
      await bench.close(node);
      await bench.close(node);
    }
    const sent = contractEvents(3);
    stays!.send(sent);
    await bench.flush(stays!);
    await bench.expectHandedOver([stays!], sent);
  },
};

/** A worker for some nodes is none for the one that is closed. */
export const leavesClosedNodes: ContractClause<QueueHarness> = {
  name: 'hands nothing over at a node that is closed, though others of its queue are not',
  async attempt(bench) {
    const queue = await bench.queue();
    const [place, other] = PLACES.slice(1);
    const [closed, stays] = await Promise.all([
      bench.node({ queue, place: place! }),
      bench.node({ queue, place: other! }),
    ]);
    await bench.close(closed);
    const elsewhere = await bench.node({ place: place!, start: { worker: false } });
    const [events, ofStays] = [contractEvents(3), contractEvents(3)];
    elsewhere.send(events);
    await bench.flush(elsewhere);
    stays.send(ofStays);
    await bench.flush(stays);
    await bench.expectHandedOver([stays], ofStays);
    await bench.expectHandedOver([await bench.node({ place: place! })], events);
    bench.expectNothingTaken(closed, 'at a node that was closed');
  },
};

/** Several processes, or several applications of one process. */
export const keepsApart: ContractClause<QueueHarness> = {
  name: 'hands over each event once where several queues stand side by side',
  async attempt(bench) {
    const [left, right] = [await bench.node(), await bench.node()];
    const [ofLeft, ofRight] = [contractEvents(20), contractEvents(20)];
    for (const [index, event] of ofLeft.entries()) {
      left.send([event]);
      right.send([ofRight[index]!]);
    }
    await Promise.all([bench.flush(left), bench.flush(right)]);
    if (bench.subject.isShared === true) {
      await bench.expectHandedOver([left, right], [...ofLeft, ...ofRight]);
      return;
    }
    await bench.expectHandedOver([left], ofLeft);
    await bench.expectHandedOver([right], ofRight);
    if (left.taken.length + right.taken.length > ofLeft.length + ofRight.length) {
      throw new Error('A queue has handed over events of another.');
    }
  },
};
