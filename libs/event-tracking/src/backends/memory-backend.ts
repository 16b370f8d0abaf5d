import type { Backend } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/** The options of a {@link MemoryBackend}. */
export interface MemoryBackendOptions {
  /**
   * The number of events to keep; a new event replaces the oldest.
   *
   * @default 10,000
   */
  capacity?: number;
}

/** Keeps the latest events in memory, for tests and development. */
export class MemoryBackend implements Backend {
  readonly #capacity: number;
  #events: TrackingEvent[] = [];
  #start = 0;
  #evicted = 0;
  readonly #records = new Map<string, MetadataRecord>();

  /** @throws {@link ImproperlyConfigured} if the capacity is not a whole number above 0 */
  constructor(options: MemoryBackendOptions = {}) {
    checkOptions(options, 'MemoryBackend', { capacity: true });
    const { capacity = 10_000 } = options;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new ImproperlyConfigured(
        `MemoryBackend: capacity must be a whole number above 0; received ${describeValue(capacity)}.`,
      );
    }
    this.#capacity = capacity;
  }

  /** The kept events, oldest first. */
  get events(): readonly TrackingEvent[] {
    return [...this.#events.slice(this.#start), ...this.#events.slice(0, this.#start)];
  }

  /** The number of events that newer ones replaced. */
  get evicted(): number {
    return this.#evicted;
  }

  /** The metadata records of event and context types. */
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

  /** Removes all events; keeps the metadata records. */
  clear(): void {
    this.#events = [];
    this.#start = 0;
    this.#evicted = 0;
  }
}
