import type { Backend, Deadline } from '../core/tree/backend.js';
import type { EventQueueProducer } from '../core/tree/event-queue.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';

/** Called at the turning points of a producer's life. */
export interface ProducerCallbacks {
  /** Called if this process must process jobs. */
  onWork(): void;
  /** Called once the producer's own events are in Redis. */
  onClose(deadline: Deadline): Promise<void>;
}

/** Sends a node's events to Redis, through bounded memory. */
export class BullMqProducer extends DeliveringBackend implements EventQueueProducer {
  constructor(
    jobs: Backend,
    delivery: DeliveryOptions,
    private readonly callbacks: ProducerCallbacks,
  ) {
    super(jobs, delivery);
  }

  start({ worker }: { worker: boolean }): void {
    if (worker) this.callbacks.onWork();
  }

  override async close(deadline: Deadline = {}): Promise<void> {
    await super.close(deadline);
    await this.callbacks.onClose(deadline);
  }
}
