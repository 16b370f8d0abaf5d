import type { Backend } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/** How a {@link MemoryBackend} is bounded. */
export interface MemoryBackendOptions {
  /**
   * How many events are kept; the oldest make room for new ones.
   *
   * @default 10,000
   */
  capacity?: number;
}

/** Keeps the latest events in memory, for tests and for looking at them while developing. */
export class MemoryBackend implements Backend {
  readonly #capacity: number;
  #events: TrackingEvent[] = [];
  #start = 0;
  #evicted = 0;
  readonly #records = new Map<string, MetadataRecord>();

  /** @throws {@link ImproperlyConfigured} when the capacity is no whole number above 0 */
  constructor(options: MemoryBackendOptions = {}) {
    checkOptions(options, 'MemoryBackend', { capacity: true });
    const { capacity = 10_000 } = options;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new ImproperlyConfigured(
        `MemoryBackend: capacity is a whole number above 0, received ${describeValue(capacity)}.`,
      );
    }
    this.#capacity = capacity;
  }

  /** The events that are kept, oldest first. */
  get events(): readonly TrackingEvent[] {
    return [...this.#events.slice(this.#start), ...this.#events.slice(0, this.#start)];
  }

  /** How many events had to make room for newer ones. */
  get evicted(): number {
    return this.#evicted;
  }

  /** What is known of types of events and contexts. */
  get records(): readonly MetadataRecord[] {
    return [...this.#records.values()];
  }

  async register(record: MetadataRecord): Promise<void> {
    this.#records.set(record.id, record);
  }

  send(event: TrackingEvent): void {
    if (this.#events.length < this.#capacity) {
      this.#events.push(event);
      return;
    }
    this.#events[this.#start] = event;
    this.#start = (this.#start + 1) % this.#capacity;
    this.#evicted++;
  }

  /** Forgets all events. */
  clear(): void {
    this.#events = [];
    this.#start = 0;
    this.#evicted = 0;
  }
}
