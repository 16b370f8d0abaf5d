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
