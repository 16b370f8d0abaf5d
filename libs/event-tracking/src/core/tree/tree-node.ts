import { Diagnostics } from '../diagnostics/diagnostics.js';
import type { TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import type { Backend, Deadline } from './backend.js';
import type { ConsumeOptions, QueuedEvent, UnacknowledgedEvent } from './event-queue.js';
import type { EventStats } from './event-stats.js';
import type { QueuePeers } from './queue-peers.js';

/** The key under which a backend holds its node; the same in every copy of the package. */
export const NODE = Symbol.for('event-tracking:node');

/** Events whose delivery has not ended, with the nodes where it must resume. */
export type Unacknowledged = readonly UnacknowledgedEvent[];

/** How an event behind a queue is delivered. */
export interface RouteOptions extends ConsumeOptions {
  /** The event's entry in the queue, if delivery resumes at a backend; if not, the event comes from the node that queued it. */
  resumed?: QueuedEvent;
}

/**
 * One step on an event's way through the tree.
 *
 * @remarks
 * Nodes compose: a {@link ProcessingNode} passes events to a {@link FanOut}, which passes a copy to each child; a
 * `QueueNode` between the two makes the rest of the way asynchronous, and a `DeliveryNode` ends it with batches and
 * retries. Behind a queue events take the `…Async` methods, which wait.
 */
export interface TreeNode {
  /**
   * Accepts an event from a sender that does not wait; never throws. The node owns the event.
   *
   * @param size - the event's estimated size in bytes, if it is known
   */
  route(event: TrackingEvent, size?: number): void;

  /** Delivers an event that came from a queue; resolves when its delivery has ended everywhere below. */
  routeAsync(event: TrackingEvent, options: RouteOptions): Promise<Unacknowledged>;

  /**
   * Does so at a node below, without the processors in between.
   *
   * @param names - the names that lead there from here
   * @returns undefined if no node has that path
   */
  routeAsyncTo(
    names: readonly string[],
    event: TrackingEvent,
    options: RouteOptions,
  ): Promise<Unacknowledged> | undefined;

  /** Tells the node its position, which its messages and stats need. */
  attach(position: Position): void;

  /** Registers a metadata record below; rejects if a destination refused it, which has been reported. */
  register(record: MetadataRecord): Promise<void>;

  /** Returns the stats of this node and the nodes below, by path. */
  stats(): Record<string, EventStats>;

  /** Resolves when all events accepted so far have been delivered or given up, or the signal aborts. */
  flush(deadline: Deadline): Promise<void>;

  /** Flushes, and closes what is below. */
  close(deadline: Deadline): Promise<void>;

  /** Tells the node that it is behind a queue. */
  joinQueue?(queue: QueueSide): void;

  /** The children's backends by name, if paths can lead through this node. */
  readonly backends?: ReadonlyMap<string, Backend>;

  /** The backend that users find at this node's path, if it is not the one that holds the node. */
  readonly destination?: Backend;
}

/** The side of a queue that the nodes behind it use. */
export interface QueueSide {
  /** The destinations that share the queue. */
  readonly peers: QueuePeers;
  /** Makes the node that delivers to a plain backend, with batches and retries. */
  wrapLeaf(backend: Backend): TreeNode;
}

/** Where a node is in a tracker's tree. */
export interface Position {
  readonly tracker: string;
  /** The names that lead to the node, joined by dots; empty for the root. */
  readonly path: string;
  readonly diagnostics: Diagnostics;
  /** Whether the tree belongs to a tracker, so that queues may start. */
  readonly isAttached: boolean;
}

/** The position of a node outside any tree. */
export function unattachedPosition(path = ''): Position {
  return { tracker: 'default', path, diagnostics: new Diagnostics(), isAttached: false };
}

/** The path of a node's child. */
export function childPath({ path }: Pick<Position, 'path'>, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The node that a backend holds, if it belongs to the tree itself. */
export function nodeOf(backend: unknown): TreeNode | undefined {
  if (typeof backend !== 'object' || backend === null) return undefined;
  return (backend as { [NODE]?: TreeNode })[NODE];
}
