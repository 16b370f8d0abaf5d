import type { Backend, Deadline } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { isEventQueue, type EventQueue } from '../core/tree/event-queue.js';
import { RoutingBackend, type RoutingBackendOptions } from '../core/tree/routing-backend.js';
import { MemoryEventQueue } from './memory-event-queue.js';
import { QUEUE, QueueNode } from './queue-node.js';

/** Options of an {@link AsyncRoutingBackend}. */
export interface AsyncRoutingBackendOptions extends RoutingBackendOptions {
  /**
   * Where events wait for the children.
   *
   * @default a {@link MemoryEventQueue}
   */
  queue?: EventQueue;
  /**
   * Whether this process consumes events from a queue that it shares with other processes.
   *
   * @default true
   */
  worker?: boolean;
}

/**
 * A routing backend whose children work behind a queue, so that their work costs the emitting code nothing.
 *
 * @remarks
 * - The node's own processors run before the queue, where the event is emitted: events that they filter are never queued.
 * - The children's processors run behind it, and may be asynchronous.
 * - Each destination behind it is retried on its own, regardless of the others.
 * - It can be at any level of any tracker's tree. Its queue has stats of its own, at the node's path and `.queue`.
 */
export class AsyncRoutingBackend extends RoutingBackend {
  readonly #queueNode: QueueNode;

  /** @throws {@link ImproperlyConfigured} for an invalid queue, and for everything that a routing backend rejects */
  constructor(options: AsyncRoutingBackendOptions = {}) {
    checkOptions(options, 'AsyncRoutingBackend', {
      queue: true,
      worker: true,
      processors: true,
      backends: true,
    });
    const { queue = new MemoryEventQueue(), worker = true, processors, backends = {} } = options;
    super({ processors });
    if (!isEventQueue(queue)) {
      throw new ImproperlyConfigured(
        `queue: must be an event queue with a method open(consumer); received ${describeValue(queue)}. ` +
          `Pass for example new MemoryEventQueue().`,
      );
    }
    const { processingNode } = this;
    this.#queueNode = new QueueNode(queue, processingNode.children, worker);
    processingNode.insert(this.#queueNode);
    this.registerBackends(backends);
  }

  /**
   * Adds a child behind the queue, which is called after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} if the name is taken, contains a dot or is `queue`, or the value is not a backend
   */
  override registerBackend(name: string, backend: Backend): void {
    if (name === QUEUE) {
      throw new ImproperlyConfigured(
        `backends.queue: a backend behind a queue cannot be named 'queue', because the queue's own stats have that ` +
          `name. Rename the backend.`,
      );
    }
    super.registerBackend(name, backend);
  }

  /** Flushes and ends consumption; the children stay open. */
  async stop(options: Deadline = {}): Promise<void> {
    await this.#queueNode.stop(options);
  }

  /** Waits up to a second for the queue to take back the events that its closed children returned. */
  async release(): Promise<void> {
    await this.#queueNode.release();
  }
}
