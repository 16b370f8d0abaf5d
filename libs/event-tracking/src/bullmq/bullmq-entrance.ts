import type { Backend, Deadline } from '../core/tree/backend.js';
import type { EventQueueProducer } from '../core/tree/event-queue.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';

/** The queue's side of a producer. */
export interface QueueOfEntrance {
  work(): void;
  leave(deadline: Deadline): Promise<void>;
}

/** Where a node's events go into Redis, by way of this process's memory. */
export class BullMqEntrance extends DeliveringBackend implements EventQueueProducer {
  constructor(
    producer: Backend,
    delivery: DeliveryOptions,
    private readonly queue: QueueOfEntrance,
  ) {
    super(producer, delivery);
  }

  start({ worker }: { worker: boolean }): void {
    if (worker) this.queue.work();
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.queue.leave(deadline);
  }
}
