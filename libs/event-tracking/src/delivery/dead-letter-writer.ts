import type { Deadline } from '../core/tree/backend.js';
import type { EventStats } from '../core/tree/event-stats.js';
import { ADOPT, DELIVER, type Place, type TreePart } from '../core/tree/tree-node.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import type { DeadLetter } from './dead-letter.js';
import type { EventEnd } from './waiting-events.js';

/** What becomes of a dead letter; `undelivered` when closing came first. */
export type LetterEnd = 'stored' | 'refused' | 'undelivered';

/** Delivers dead letters, and learns the end of each. */
export interface LetterDelivery {
  deliver(letter: DeadLetter): Promise<EventEnd>;
  flush(deadline: Deadline): Promise<void>;
  /** Stops delivery; letters that are not stored end as undelivered. */
  end(deadline: Deadline): Promise<void>;
  close(deadline: Deadline): Promise<void>;
  adopt(place: Place): void;
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

  /** Stores what it can before the signal aborts, and abandons the other letters. */
  async end(deadline: Deadline): Promise<void> {
    await untilAborted(this.delivery.end(deadline), deadline.signal);
    for (const abandon of this.#abandons) abandon();
    this.#abandons.clear();
  }

  async close(deadline: Deadline): Promise<void> {
    await this.delivery.close(deadline);
  }

  adopt(place: Place): void {
    const path = place.path === '' ? 'deadLetter' : `${place.path}.deadLetter`;
    this.delivery.adopt({ ...place, path });
  }

  stats(): Record<string, EventStats> {
    return this.delivery.stats();
  }
}

/** Sends dead letters through a node, and waits until they have ended behind it. */
export function deliveryThroughNode(node: TreePart): LetterDelivery {
  return {
    async deliver(letter) {
      const undelivered = await node[DELIVER](letter, { keeps: true });
      return undelivered.length === 0 ? 'delivered' : 'undelivered';
    },
    flush: async (deadline) => node.flush?.(deadline),
    end: async (deadline) => node.flush?.(deadline),
    close: async (deadline) => node.close?.(deadline),
    adopt: (place) => node[ADOPT](place),
    stats: () => node.stats(),
  };
}
