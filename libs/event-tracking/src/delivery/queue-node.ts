import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { Backend, Deadline } from '../core/tree/backend.js';
import { Child } from '../core/tree/child.js';
import type {
  ConsumeOptions,
  EventQueue,
  EventQueueProducer,
  QueuedEvent,
} from '../core/tree/event-queue.js';
import type { EventStats } from '../core/tree/event-stats.js';
import type { FanOut } from '../core/tree/fan-out.js';
import type { PersistenceQuery } from '../core/tree/persistence.js';
import { QueuePeers } from '../core/tree/queue-peers.js';
import {
  childPath,
  unattachedPosition,
  type Position,
  type QueueSide,
  type RouteOptions,
  type TreeNode,
  type Unacknowledged,
} from '../core/tree/tree-node.js';
import type { UnpersistedEvents } from '../core/diagnostics/unpersisted-events.js';
import { DeliveryNode } from './delivery-node.js';

/** The name of the queue's own stats below the node's path. */
export const QUEUE = 'queue';
/** How long a queue may take to accept returned events. */
const RELEASE_MS = 1_000;

/** Hands events to a queue, and delivers those that come out to the children. */
export class QueueNode implements TreeNode {
  readonly #producer: EventQueueProducer;
  readonly #isDurable: boolean;
  readonly #queue: Child;
  #isStarted = false;
  #position = unattachedPosition();

  /** @param worker - whether this process consumes events that it shares with others */
  constructor(
    queue: EventQueue,
    private readonly children: FanOut,
    private readonly worker: boolean,
  ) {
    this.#producer = queue.open({
      position: () => this.#position,
      consume: (events, options = {}) => this.#consume(events, options),
      register: (record) => children.register(record),
    });
    this.#isDurable = queue.isDurable === true;
    this.#queue = new Child(QUEUE, this.#producer, this.#position);
    const { deadLetters: deadLetter } = queue;
    children.joinQueue({
      peers: peersOf(queue),
      wrapLeaf: (backend) => new DeliveryNode(backend, { deadLetter }),
    });
  }

  get backends(): ReadonlyMap<string, Backend> {
    return this.children.backends;
  }

  route(event: TrackingEvent, size?: number): void {
    this.#queue.node.route(event, size);
  }

  routeAsync(event: TrackingEvent, options: RouteOptions): Promise<Unacknowledged> {
    return this.#queue.node.routeAsync(event, options);
  }

  /** An outer queue may hold events that waited in this one when it was closed. */
  routeAsyncTo(
    names: readonly string[],
    event: TrackingEvent,
    options: RouteOptions,
  ): Promise<Unacknowledged> | undefined {
    const isInQueue = names.length === 1 && names[0] === QUEUE;
    return isInQueue
      ? this.routeAsync(event, options)
      : this.children.routeAsyncTo(names, event, options);
  }

  joinQueue(outer: QueueSide): void {
    this.#queue.node.joinQueue?.(outer);
  }

  attach(position: Position): void {
    this.#position = position;
    this.children.attach(position);
    this.#queue.attach(position);
    if (!position.isAttached || this.#isStarted) return;
    this.#isStarted = true;
    this.#producer.start?.({ worker: this.worker });
  }

  /** Sends a metadata record through the queue if it can carry records. */
  async register(record: MetadataRecord): Promise<void> {
    await (this.#producer.register === undefined ? this.children : this.#queue).register(record);
  }

  stats(): Record<string, EventStats> {
    return { ...this.#queue.node.stats(), ...this.children.stats() };
  }

  async flush(deadline: Deadline): Promise<void> {
    await Promise.all([this.#queue.flush(deadline), this.children.flush(deadline)]);
  }

  async persisted(query: PersistenceQuery): Promise<readonly UnpersistedEvents[]> {
    if (this.#isDurable) return this.#queue.node.persisted(query);
    await this.#queue.flush(query);
    const inQueue = await this.#queue.node.persisted(query);
    // Events arrive at the children later than they were emitted, and may wait there for longer than in the queue.
    return [...inQueue, ...(await this.children.persisted({ ...query, until: Infinity }))];
  }

  /** A durable queue keeps the events that it has accepted. */
  abandon(): Record<string, number> {
    if (!this.#isDurable) return { ...this.#queue.node.abandon(), ...this.children.abandon() };
    const lost = this.#producer.abandon?.();
    if (lost === undefined) return this.#queue.node.abandon();
    return lost > 0 ? { [childPath(this.#position, QUEUE)]: lost } : {};
  }

  async close(deadline: Deadline): Promise<void> {
    await this.stop(deadline);
    await this.children.close(deadline);
    await this.release();
  }

  /** Flushes and ends consumption; the children stay open. */
  async stop(deadline: Deadline): Promise<void> {
    await this.flush(deadline);
    await this.#closeQueue(deadline);
  }

  /** Gives the queue time to accept the events that the children returned when they were closed. */
  async release(): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), RELEASE_MS);
    await this.#closeQueue({ signal: late.signal });
    clearTimeout(timer);
  }

  async #closeQueue(deadline: Deadline): Promise<void> {
    await this.#queue.flush(deadline);
    await this.#queue.close(deadline);
  }

  async #consume(events: readonly QueuedEvent[], options: ConsumeOptions): Promise<Unacknowledged> {
    const unacknowledged = events.map(async (entry) => {
      const { path, event } = entry;
      if (path === this.#position.path) return this.children.routeAsync(event, options);
      const resuming = { ...options, resumed: entry };
      const routed = this.children.routeAsyncTo(this.#namesTo(path), event, resuming);
      if (routed === undefined) this.#reportUnknownBackend(path);
      return routed ?? [entry];
    });
    return (await Promise.all(unacknowledged)).flat();
  }

  #namesTo(path: string): string[] {
    const { path: own } = this.#position;
    return (own === '' ? path : path.slice(own.length + 1)).split('.');
  }

  #reportUnknownBackend(path: string): void {
    const { path: own, diagnostics } = this.#position;
    diagnostics.warn(
      `unknown backends in the queue of ${own}`,
      `The queue of the node '${own}' holds events for the backend '${path}', which does not exist. They stay in the ` +
        `queue until a process has a backend with this path.`,
      { burst: 1 },
    );
  }
}

/** The destinations of each queue whose nodes share its room. */
const PEERS = new WeakMap<EventQueue, QueuePeers>();

function peersOf(queue: EventQueue): QueuePeers {
  if (queue.sharesRoom !== true) return new QueuePeers();
  const peers = PEERS.get(queue) ?? new QueuePeers();
  PEERS.set(queue, peers);
  return peers;
}
