import type { Deadline } from '../core/tree/backend.js';
import type { EventQueueProducer } from '../core/tree/event-queue.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';
import type { DiskLine } from './disk-line.js';

/** What the entrance asks of the queue behind it. */
export interface QueueOfEntrance {
  /** @throws {@link ImproperlyConfigured} when the queue serves such a node already */
  starts(line: DiskLine): void;
  leave(line: DiskLine, deadline: Deadline): Promise<void>;
}

/** Where a node's events go to the disk, by way of memory. */
export class DiskEntrance extends DeliveringBackend implements EventQueueProducer {
  constructor(
    private readonly line: DiskLine,
    delivery: DeliveryOptions,
    private readonly queue: QueueOfEntrance,
  ) {
    super(line, delivery);
  }

  start(): void {
    this.queue.starts(this.line);
    this.line.start();
  }

  override async flush(deadline: Deadline = {}): Promise<void> {
    await super.flush(deadline);
    await untilAborted(this.line.drain(), deadline.signal);
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.queue.leave(this.line, deadline);
  }
}
