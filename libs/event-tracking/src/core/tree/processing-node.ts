import type { TrackingEvent } from '../event/event.js';
import { measuredCopyOf } from '../event/snapshot.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import type { Backend, Deadline } from './backend.js';
import { EventCounters, type EventStats } from './event-stats.js';
import { FanOut } from './fan-out.js';
import { unpersistedAt, type PersistenceQuery } from './persistence.js';
import { ProcessorChain, type Processed } from './processor-chain.js';
import {
  unattachedPosition,
  type Position,
  type QueueSide,
  type RouteOptions,
  type TreeNode,
  type Unacknowledged,
} from './tree-node.js';
import type { UnpersistedEvents } from '../diagnostics/unpersisted-events.js';

/** Runs events through processors, and passes those that remain to the next node. */
export class ProcessingNode implements TreeNode {
  readonly children = new FanOut();
  readonly processors = new ProcessorChain(() => this.#position);
  #next: TreeNode = this.children;
  readonly #counters = new EventCounters();
  #position = unattachedPosition();

  /** The node that gets the events: the children, or a queue in front of them. */
  get next(): TreeNode {
    return this.#next;
  }

  get position(): Position {
    return this.#position;
  }

  get backends(): ReadonlyMap<string, Backend> {
    return this.children.backends;
  }

  /** Puts a node between the processors and the children. */
  insert(node: TreeNode): void {
    this.#next = node;
  }

  route(event: TrackingEvent, size?: number): void {
    const counters = this.#counters;
    counters.arrived++;
    try {
      const processed = this.processors.run(event);
      if (this.#countDrop(processed)) return;
      if (this.processors.changesEvents) this.#passCopy(processed);
      else this.#next.route(processed, size);
      counters.delivered++;
    } catch {
      // The call stack is exhausted, so that not even a method call can be relied on.
      counters.dropped.internal_error = (counters.dropped.internal_error ?? 0) + 1;
    }
  }

  async routeAsync(event: TrackingEvent, options: RouteOptions): Promise<Unacknowledged> {
    const counters = this.#counters;
    counters.arrived++;
    counters.pending++;
    const processed = await this.processors.runAsync(event);
    counters.pending--;
    if (this.#countDrop(processed)) return [];
    counters.delivered++;
    return this.#next.routeAsync(processed, options);
  }

  routeAsyncTo(
    names: readonly string[],
    event: TrackingEvent,
    options: RouteOptions,
  ): Promise<Unacknowledged> | undefined {
    return this.#next.routeAsyncTo(names, event, options);
  }

  attach(position: Position): void {
    this.#position = position;
    this.#next.attach(position);
  }

  joinQueue(queue: QueueSide): void {
    this.#next.joinQueue?.(queue);
  }

  register(record: MetadataRecord): Promise<void> {
    return this.#next.register(record);
  }

  stats(): Record<string, EventStats> {
    return { [this.#position.path]: this.#counters.read(), ...this.#next.stats() };
  }

  flush(deadline: Deadline): Promise<void> {
    return this.#next.flush(deadline);
  }

  async persisted(query: PersistenceQuery): Promise<readonly UnpersistedEvents[]> {
    const below = await this.#next.persisted(query);
    return [...unpersistedAt(this.#position.path, this.#counters, query), ...below];
  }

  close(deadline: Deadline): Promise<void> {
    return this.#next.close(deadline);
  }

  abandon(): Record<string, number> {
    return this.#next.abandon();
  }

  /** A processor may keep parts of its result, and an asynchronous one may still be writing to it. */
  #passCopy(processed: TrackingEvent): void {
    const { copy, size } = measuredCopyOf(processed);
    this.#next.route(copy, size);
  }

  #countDrop(processed: Processed): processed is Exclude<Processed, TrackingEvent> {
    if (processed === 'filtered') this.#counters.filtered++;
    else if (processed === 'filter_failed') this.#counters.drop('filter_failed');
    else return false;
    return true;
  }
}
