import type { TrackingEvent } from '../core/event/event.js';
import type { EventQueue } from '../core/tree/event-queue.js';
import { formatEvent } from './event-list.js';
import { expectAlike } from './expect-same.js';
import { BlockingConsumer } from './blocking-consumer.js';
import { liveSignal, Harness } from './harness.js';
import type { QueueContractSubject } from './queue-contract-subject.js';
import { QueueNode, type NodePosition } from './queue-node.js';
import { writeValue } from './write-value.js';

const POLL_MS = 5;
/** The time for which nothing may happen, in milliseconds. */
const QUIET_MS = 50;
const POSITION: NodePosition = { tracker: 'contract', path: 'node' };

interface NodeOptions {
  /** @default a new queue */
  queue?: EventQueue;
  /** @default the same position for all nodes */
  position?: NodePosition;
  /** The options of `start`, or false for a node that is not started. */
  start?: { worker?: boolean } | false;
}

/** Creates queues and nodes for one contract case and inspects the events that they deliver. */
export class QueueHarness extends Harness {
  readonly #queues: EventQueue[] = [];
  readonly #nodes: QueueNode[] = [];
  readonly #crashed: QueueNode[] = [];
  readonly #consumers: BlockingConsumer[] = [];
  readonly #closings: (() => Promise<void>)[] = [];
  #outage = false;

  constructor(readonly subject: QueueContractSubject) {
    super(subject.timeout);
  }

  /** Creates a queue that is closed at the end of the case. */
  async queue(
    create: () => Promise<EventQueue> | EventQueue = this.subject.create,
  ): Promise<EventQueue> {
    const queue = await create.call(this.subject);
    this.#queues.push(queue);
    return queue;
  }

  /** Creates a node in front of a queue. */
  async node({ queue, position = POSITION, start = {} }: NodeOptions = {}): Promise<QueueNode> {
    const node = new QueueNode(queue ?? (await this.queue()), position);
    this.#nodes.push(node);
    if (start !== false) node.start(start);
    return node;
  }

  /** Gives a node a consumer that stays busy until it is released. */
  block(node: QueueNode): BlockingConsumer {
    const consumer = new BlockingConsumer();
    this.#consumers.push(consumer);
    node.consume = consumer.consume;
    return consumer;
  }

  /** Closes something at the end of the case, before the queues. */
  closeLast(close: () => Promise<void>): void {
    this.#closings.push(close);
  }

  async flush(node: QueueNode): Promise<void> {
    await this.within('flush()', () => node.flush(liveSignal()));
  }

  async close(node: QueueNode): Promise<void> {
    await this.within('close()', () => node.close(liveSignal()));
  }

  /** Whether work that should stay pending settles within a short time. */
  async settlesTooEarly(work: Promise<unknown>): Promise<boolean> {
    return (await this.settle(() => work, QUIET_MS)).as !== 'pending';
  }

  /** Rejects unless a call settles after its signal aborts. */
  async expectToHonourSignal(
    label: string,
    call: (options: { signal: AbortSignal }) => Promise<unknown>,
  ): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), QUIET_MS);
    const settled = await this.settle(() => call({ signal: controller.signal }));
    clearTimeout(timer);
    if (settled.as !== 'pending') return;
    throw new Error(
      `${label} did not settle within ${this.timeout} ms, although its signal aborted after ${QUIET_MS} ms.`,
    );
  }

  /** Resolves once a condition holds; rejects with an explanation if it does not hold in time. */
  async until(holds: () => boolean, explain: () => string): Promise<void> {
    const end = performance.now() + this.timeout;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`${explain()} (${this.timeout} ms)`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Resolves once each event was delivered to one of the nodes. */
  async untilReceived(
    nodes: readonly QueueNode[],
    events: readonly TrackingEvent[],
  ): Promise<void> {
    const missing = (): TrackingEvent[] => {
      const received = new Set(nodes.flatMap((node) => node.received.map(({ event }) => event.id)));
      return events.filter(({ id }) => !received.has(id));
    };
    await this.until(
      () => missing().length === 0,
      () =>
        `${missing().length} of ${events.length} events were sent but not delivered: ` +
        formatEvent(missing()[0]!, writeValue),
    );
  }

  /** Rejects unless each event is delivered exactly as sent, to its node, and exactly once by default. */
  async expectDelivered(
    nodes: readonly QueueNode[],
    events: readonly TrackingEvent[],
    { atLeastOnce = false }: { atLeastOnce?: boolean } = {},
  ): Promise<void> {
    await this.untilReceived(nodes, events);
    const received = nodes.flatMap(({ position, received: all }) =>
      all.map((each) => ({ position, ...each })),
    );
    for (const event of events) {
      const found = received.filter((each) => each.event.id === event.id);
      if (found.length !== 1 && !atLeastOnce) {
        throw new Error(
          `The event ${formatEvent(event, writeValue)} was sent once but delivered ${found.length} times.`,
        );
      }
      for (const { position, path, event: actual } of found) {
        expectAlike(actual, event, `The event '${event.name}' was not delivered as sent`);
        if (path === position.path) continue;
        throw new Error(
          `The event '${event.name}' was sent to node '${position.path}' but delivered to '${path}'.`,
        );
      }
    }
  }

  /** Throws if a node received events. */
  expectNothingReceived(node: QueueNode, circumstance: string): void {
    if (node.received.length === 0) return;
    throw new Error(`${node.received.length} events were delivered ${circumstance}.`);
  }

  /** Throws unless the stats of a node account for every event that was sent. */
  expectBalance(node: QueueNode, sent: number): void {
    const { arrived, delivered, filtered, dropped, dead, pending } = node.stats();
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    if (arrived === sent && arrived === delivered + filtered + lost + dead + pending) return;
    throw new Error(
      `The stats do not account for ${sent} sent events: ${writeValue(node.stats())}.`,
    );
  }

  /** Stops all queues as `kill -9` would. */
  async crash(): Promise<void> {
    await this.within('crash()', async () => this.subject.crash?.());
    this.#crashed.push(...this.#nodes.splice(0));
    this.#queues.length = 0;
  }

  /** Makes the queue unreachable during an action. */
  async duringOutage(action: () => Promise<void>): Promise<void> {
    this.#outage = true;
    await this.subject.outage?.begin();
    await action();
    await this.subject.outage?.end();
    this.#outage = false;
  }

  /** Closes everything that the case created. */
  async tearDown(): Promise<void> {
    try {
      if (this.#outage) await this.subject.outage?.end();
      for (const consumer of this.#consumers) consumer.release();
      await Promise.all(this.#closings.map((close) => this.settle(close)));
      await Promise.all(this.#nodes.map((node) => this.close(node)));
      await Promise.all(
        this.#queues.map((queue) =>
          this.within('close() of the queue', async () => queue.close?.(liveSignal())),
        ),
      );
    } finally {
      const signal = AbortSignal.abort();
      await Promise.all(
        this.#crashed.map((node) => this.settle(() => node.close({ signal }), QUIET_MS)),
      );
      await this.subject.cleanUp?.();
    }
  }
}
