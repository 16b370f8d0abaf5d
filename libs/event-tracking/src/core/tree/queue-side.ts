import type { Backend } from './backend.js';
import type { TreeNode } from './tree-node.js';

/** What a queue gives the nodes behind it. */
export interface QueueSide {
  /** The destinations that share the queue. */
  readonly peers: QueuePeers;
  /** Makes the node that delivers to a plain backend, with batches and retries. */
  wrapLeaf(backend: Backend): TreeNode;
}

/** A destination behind a queue. */
export interface QueuePeer {
  /** Whether it delivers without delay, so that events of the queue could be delivered there. */
  readonly isIdle: boolean;
}

/** The destinations that share a queue, each of which can hold up the others. */
export class QueuePeers {
  readonly #peers = new Set<QueuePeer>();

  add(peer: QueuePeer): void {
    this.#peers.add(peer);
  }

  /** Whether one of the others is idle. */
  hasIdleBeside(peer: QueuePeer): boolean {
    return [...this.#peers].some((other) => other !== peer && other.isIdle);
  }
}
