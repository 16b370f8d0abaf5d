import type { TrackingEvent } from '../core/event/event.js';
import type { EventQueue } from '../core/tree/event-queue.js';
import { describeEvent } from './event-list.js';
import { expectAlike } from './expect-same.js';
import { BlockingConsumer } from './blocking-consumer.js';
import { liveSignal, Patience } from './patience.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import { QueueNode, type NodePlace } from './queue-node.js';
import { writeValue } from './write-value.js';

const LOOK_AGAIN_MS = 5;
/** How long nothing is to happen, in milliseconds. */
const CALM_MS = 50;
const PLACE: NodePlace = { tracker: 'contract', path: 'node' };

/** What a node is made of. */
interface NodeParts {
  /** @default one of its own */
  queue?: EventQueue;
  /** @default the same for all */
  place?: NodePlace;
  /** How the node is started; not at all where that is false. */
  start?: { worker?: boolean } | false;
}

/** Where a case of a contract of queues is tried: makes queues and nodes, and looks at what is handed over. */
export class QueueHarness extends Patience {
  readonly #queues: EventQueue[] = [];
  readonly #nodes: QueueNode[] = [];
  readonly #crashed: QueueNode[] = [];
  readonly #held: BlockingConsumer[] = [];
  #outage = false;

  constructor(readonly subject: QueueContractSubject) {
    super(subject.timeout);
  }

  /** Makes a queue, which is closed when the case is over. */
  async queue(
    make: () => Promise<EventQueue> | EventQueue = this.subject.create,
  ): Promise<EventQueue> {
    const queue = await make.call(this.subject);
    this.#queues.push(queue);
    return queue;
  }

  /** Makes a node with a queue. */
  async node({ queue, place = PLACE, start = {} }: NodeParts = {}): Promise<QueueNode> {
    const node = new QueueNode(queue ?? (await this.queue()), place);
    this.#nodes.push(node);
    if (start !== false) node.start(start);
    return node;
  }

  /** Has a node hold what it takes. */
  hold(node: QueueNode): BlockingConsumer {
    const held = new BlockingConsumer();
    this.#held.push(held);
    node.consume = held.consume;
    return held;
  }

  async flush(node: QueueNode): Promise<void> {
    await this.within('flush()', () => node.flush(liveSignal()));
  }

  async close(node: QueueNode): Promise<void> {
    await this.within('close()', () => node.close(liveSignal()));
  }

  /** Tells whether something has ended though it ought not to have, when others had time to. */
  async endsAtOnce(work: Promise<unknown>): Promise<boolean> {
    return (await this.settle(() => work, CALM_MS)).as !== 'pending';
  }

  /** Rejects unless a call ends, in whatever way, when its signal has aborted. */
  async expectToHeedSignal(
    what: string,
    call: (options: { signal: AbortSignal }) => Promise<unknown>,
  ): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), CALM_MS);
    const settled = await this.settle(() => call({ signal: controller.signal }));
    clearTimeout(timer);
    if (settled.as !== 'pending') return;
    throw new Error(
      `${what} did not settle within ${this.timeout} ms, though its signal had aborted after ${CALM_MS} ms.`,
    );
  }

  /** Waits for something to become true. */
  async until(isSo: () => boolean, otherwise: () => string): Promise<void> {
    const end = performance.now() + this.timeout;
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`${otherwise()} (${this.timeout} ms)`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** Waits until all of these events have been handed over to one of the nodes. */
  async untilTaken(nodes: readonly QueueNode[], events: readonly TrackingEvent[]): Promise<void> {
    const missing = (): TrackingEvent[] => {
      const taken = new Set(nodes.flatMap((node) => node.taken.map(({ event }) => event.id)));
      return events.filter(({ id }) => !taken.has(id));
    };
    await this.until(
      () => missing().length === 0,
      () =>
        `${missing().length} of ${events.length} events were sent and not handed over: ` +
        describeEvent(missing()[0]!, writeValue),
    );
  }

  /** Rejects unless each event is handed over as it was sent, at its node: once, where nothing else is said. */
  async expectHandedOver(
    nodes: readonly QueueNode[],
    events: readonly TrackingEvent[],
    { atLeastOnce = false }: { atLeastOnce?: boolean } = {},
  ): Promise<void> {
    await this.untilTaken(nodes, events);
    const taken = nodes.flatMap(({ place, taken: all }) => all.map((each) => ({ place, ...each })));
    for (const event of events) {
      const found = taken.filter((each) => each.event.id === event.id);
      if (found.length !== 1 && !atLeastOnce) {
        throw new Error(
          `The event ${describeEvent(event, writeValue)} was sent once, and handed over ${found.length} times.`,
        );
      }
      for (const { place, path, event: actual } of found) {
        expectAlike(
          actual,
          event,
          `The event '${event.name}' is handed over otherwise than it was sent`,
        );
        if (path === place.path) continue;
        throw new Error(
          `The event '${event.name}' was sent at the node '${place.path}', and handed over at '${path}'.`,
        );
      }
    }
  }

  /** Rejects when a node was given something. */
  expectNothingTaken(node: QueueNode, why: string): void {
    if (node.taken.length === 0) return;
    throw new Error(`${node.taken.length} events were handed over ${why}.`);
  }

  /** Rejects unless a node's account explains what became of everything that was sent. */
  expectBalance(node: QueueNode, sent: number): void {
    const { arrived, delivered, filtered, dropped, dead, pending } = node.stats();
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    if (arrived === sent && arrived === delivered + filtered + lost + dead + pending) return;
    throw new Error(
      `The account does not balance: ${sent} events were sent, and ${writeValue(node.stats())}.`,
    );
  }

  /** Ends all queues there are as `kill -9` would. */
  async crash(): Promise<void> {
    await this.within('crash()', async () => this.subject.crash?.());
    this.#crashed.push(...this.#nodes.splice(0));
    this.#queues.length = 0;
  }

  /** Makes the queue unreachable while something is tried. */
  async duringOutage(attempt: () => Promise<void>): Promise<void> {
    this.#outage = true;
    await this.subject.outage?.begin();
    await attempt();
    await this.subject.outage?.end();
    this.#outage = false;
  }

  /** Ends what the case has begun. */
  async tearDown(): Promise<void> {
    try {
      if (this.#outage) await this.subject.outage?.end();
      for (const held of this.#held) held.release();
      await Promise.all(this.#nodes.map((node) => this.close(node)));
      await Promise.all(
        this.#queues.map((queue) =>
          this.within('close() of the queue', async () => queue.close?.(liveSignal())),
        ),
      );
    } finally {
      const signal = AbortSignal.abort();
      await Promise.all(
        this.#crashed.map((node) => this.settle(() => node.close({ signal }), CALM_MS)),
      );
      await this.subject.cleanUp?.();
    }
  }
}
