import type { Backend } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { listEvents } from './event-list.js';

/** How long {@link RecordingBackend.whenRecorded} waits. */
export interface WhenRecordedOptions {
  /**
   * After how many milliseconds it gives up, by the clock of the test: under fake timers, when they are advanced.
   *
   * @default 2,000
   */
  timeout?: number;
  /**
   * Makes it give up when it aborts, for example the `signal` that Vitest gives each test.
   *
   * @default none
   */
  signal?: AbortSignal;
}

interface Failure {
  readonly error: unknown;
  left: number;
}

const DEFAULT_TIMEOUT_MS = 2_000;

/**
 * Records every event, for tests that look at what was emitted.
 *
 * @remarks
 * Where no queue lies between, an event is there as soon as `emit` returns: nothing has to be awaited. Behind a queue,
 * {@link RecordingBackend.whenRecorded} waits. Events are the objects that arrived, not copies of them.
 * @example
 * ```ts
 * const recording = new RecordingBackend();
 * const tracker = new Tracker({ backends: { recording } });
 * tracker.emit('course.enrolled', { course_id: 'DemoX' });
 * expect(recording).toHaveEmitted('course.enrolled', { course_id: 'DemoX' });
 * ```
 */
export class RecordingBackend implements Backend {
  #events: TrackingEvent[] = [];
  #failures: Failure[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #records = new Map<string, MetadataRecord>();

  /** The events so far, in the order in which they arrived. */
  get events(): readonly TrackingEvent[] {
    return [...this.#events];
  }

  /** What was registered with it of types of events and contexts, each version once. */
  get records(): readonly MetadataRecord[] {
    return [...this.#records.values()];
  }

  async register(record: MetadataRecord): Promise<void> {
    this.#records.set(record.id, record);
  }

  /** The events of this name, in the order in which they arrived. */
  named(name: string): readonly TrackingEvent[] {
    return this.#events.filter((event) => event.name === name);
  }

  /** @throws what {@link RecordingBackend.failNext} was given; the event is not recorded then */
  send(event: TrackingEvent): void {
    const [failure] = this.#failures;
    if (failure !== undefined) {
      if (--failure.left === 0) this.#failures.shift();
      throw failure.error;
    }
    this.#events.push(event);
    for (const look of this.#waiting) look();
  }

  /** Forgets all events, and failures that are still to come. */
  clear(): void {
    this.#events = [];
    this.#failures = [];
  }

  /**
   * Has the next deliveries fail, after those that an earlier call has announced.
   *
   * @throws {@link ImproperlyConfigured} when `times` is no whole number above 0
   * @param error - what `send` throws
   * @param times - how many deliveries fail
   */
  failNext(error: unknown, times = 1): void {
    if (!Number.isInteger(times) || times < 1) {
      throw new ImproperlyConfigured(
        `RecordingBackend.failNext: times is a whole number above 0, received ${describeValue(times)}.`,
      );
    }
    this.#failures.push({ error, left: times });
  }

  /**
   * Resolves to all events as soon as there are so many, at once when there are already.
   *
   * @remarks Rejects with a list of what was recorded when the time is over or the signal aborts.
   * @example
   * ```ts
   * const [event] = await recording.whenRecorded(1);
   * ```
   */
  whenRecorded(
    count: number,
    options: WhenRecordedOptions = {},
  ): Promise<readonly TrackingEvent[]> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        signal?.removeEventListener('abort', abort);
      };
      const look = (): void => {
        if (this.#events.length < count) return;
        stop();
        resolve(this.events);
      };
      const giveUp = (when: string, cause?: unknown): void => {
        stop();
        const expected = count === 1 ? '1 event' : `${count} events`;
        const recorded = listEvents(this.#events, 'recorded');
        reject(new Error(`Expected ${expected} ${when}. ${recorded}`, { cause }));
      };
      const abort = (): void => giveUp('before the signal aborted', signal?.reason);
      const timer = setTimeout(() => giveUp(`within ${timeout} ms`), timeout);
      this.#waiting.add(look);
      signal?.addEventListener('abort', abort, { once: true });
      look();
      if (signal?.aborted === true) abort();
    });
  }
}
