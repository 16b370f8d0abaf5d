import type { Deadline } from '../core/tree/backend.js';
import type { EventStats } from '../core/tree/event-stats.js';
import { childPath, type Position, type TreeNode } from '../core/tree/tree-node.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import type { DeadLetter } from './dead-letter.js';
import type { EventEnd } from './waiting-events.js';

/** How a dead letter ended; `undelivered` if closing came first. */
export type LetterEnd = 'stored' | 'refused' | 'undelivered';

/** Delivers dead letters, and learns the end of each. */
export interface LetterDelivery {
  deliver(letter: DeadLetter): Promise<EventEnd>;
  flush(deadline: Deadline): Promise<void>;
  /** Stops delivery; letters that are not stored end as undelivered. */
  stop(deadline: Deadline): Promise<void>;
  close(deadline: Deadline): Promise<void>;
  attach(position: Position): void;
  stats(): Record<string, EventStats>;
}

/** Stores dead letters, and tells for each whether the destination has acknowledged it. */
export class DeadLetterWriter {
  readonly #abandons = new Set<() => void>();

  constructor(private readonly delivery: LetterDelivery) {}

  async store(letter: DeadLetter): Promise<LetterEnd> {
    const end = await new Promise<EventEnd>((resolve) => {
      const abandon = (): void => resolve('undelivered');
      this.#abandons.add(abandon);
      const settle = (how: EventEnd): void => {
        this.#abandons.delete(abandon);
        resolve(how);
      };
      void this.delivery.deliver(letter).then(settle, () => settle('dropped'));
    });
    if (end === 'delivered' || end === 'dead') return 'stored';
    return end === 'undelivered' ? 'undelivered' : 'refused';
  }

  async flush(deadline: Deadline): Promise<void> {
    await this.delivery.flush(deadline);
  }

  /** Stores letters until the signal aborts, and abandons the others. */
  async stop(deadline: Deadline): Promise<void> {
    await untilAborted(this.delivery.stop(deadline), deadline.signal);
    for (const abandon of this.#abandons) abandon();
    this.#abandons.clear();
  }

  async close(deadline: Deadline): Promise<void> {
    await this.delivery.close(deadline);
  }

  /** @param parent - the position of the node that gives events up */
  attach(parent: Position): void {
    this.delivery.attach({ ...parent, path: childPath(parent, 'deadLetter') });
  }

  stats(): Record<string, EventStats> {
    return this.delivery.stats();
  }
}

/** Sends dead letters through a node, and waits until they have ended behind it. */
export function deliveryThroughNode(node: TreeNode): LetterDelivery {
  return {
    async deliver(letter) {
      const undelivered = await node.routeAsync(letter, { keeps: true });
      return undelivered.length === 0 ? 'delivered' : 'undelivered';
    },
    flush: (deadline) => node.flush(deadline),
    stop: (deadline) => node.flush(deadline),
    close: (deadline) => node.close(deadline),
    attach: (position) => node.attach(position),
    stats: () => node.stats(),
  };
}
