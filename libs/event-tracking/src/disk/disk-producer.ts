import type { Deadline } from '../core/tree/backend.js';
import type { EventQueueProducer } from '../core/tree/event-queue.js';
import { NODE } from '../core/tree/tree-node.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';
import type { DiskNode } from './disk-node.js';

export interface QueueOfProducer {
  /** @throws {@link ImproperlyConfigured} when the queue serves a node of the same name already */
  start(node: DiskNode): void;
  close(node: DiskNode, deadline: Deadline): Promise<void>;
}

/** Sends the events of a node to the disk by way of memory. */
export class DiskProducer extends DeliveringBackend implements EventQueueProducer {
  constructor(
    private readonly node: DiskNode,
    delivery: DeliveryOptions,
    private readonly queue: QueueOfProducer,
  ) {
    super(node, delivery);
  }

  start(): void {
    this.queue.start(this.node);
    this.node.start();
  }

  /** The store of this process may not have the events of a batch that is being written. */
  abandon(): number {
    const { pendingEvents } = this[NODE];
    if (pendingEvents.length === 0 || this.node.saveNow(pendingEvents)) return 0;
    return pendingEvents.length;
  }

  override async flush(deadline: Deadline = {}): Promise<void> {
    await super.flush(deadline);
    await untilAborted(this.node.drain(), deadline.signal);
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.queue.close(this.node, deadline);
  }
}
