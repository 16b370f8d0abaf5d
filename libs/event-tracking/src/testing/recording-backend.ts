import type { Backend } from '../core/tree/backend.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { listEvents } from './event-list.js';

/** The limits of {@link RecordingBackend.whenRecorded}. */
export interface WhenRecordedOptions {
  /**
   * The time limit in milliseconds. With fake timers, it passes only when they are advanced.
   *
   * @default 2,000
   */
  timeout?: number;
  /**
   * A signal that ends the wait, such as the `signal` that Vitest passes to each test.
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
 * Records every event, for tests that check which events were emitted.
 *
 * @remarks
 * Without a queue in between, an event is recorded when `emit` returns, so tests need not await anything.
 * Behind a queue, await {@link RecordingBackend.whenRecorded}. Events are recorded without being copied.
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

  /** Returns the recorded events, in the order of their arrival. */
  get events(): readonly TrackingEvent[] {
    return [...this.#events];
  }

  /** Returns the registered metadata records of event types and context types, each version once. */
  get records(): readonly MetadataRecord[] {
    return [...this.#records.values()];
  }

  async register(record: MetadataRecord): Promise<void> {
    this.#records.set(record.id, record);
  }

  /** Returns the recorded events of a name, in the order of their arrival. */
  named(name: string): readonly TrackingEvent[] {
    return this.#events.filter((event) => event.name === name);
  }

  /**
   * Records an event.
   *
   * @throws the error passed to {@link RecordingBackend.failNext}, without recording the event
   */
  send(event: TrackingEvent): void {
    const [failure] = this.#failures;
    if (failure !== undefined) {
      if (--failure.left === 0) this.#failures.shift();
      throw failure.error;
    }
    this.#events.push(event);
    for (const check of this.#waiting) check();
  }

  /** Removes all events and all pending failures. */
  clear(): void {
    this.#events = [];
    this.#failures = [];
  }

  /**
   * Makes the next deliveries fail, after the failures that earlier calls requested.
   *
   * @throws {@link ImproperlyConfigured} if `times` is not a positive integer
   * @param error - the value that `send` throws
   * @param times - the number of deliveries that fail
   */
  failNext(error: unknown, times = 1): void {
    if (!Number.isInteger(times) || times < 1) {
      throw new ImproperlyConfigured(
        `RecordingBackend.failNext: times must be a positive integer; received ${describeValue(times)}.`,
      );
    }
    this.#failures.push({ error, left: times });
  }

  /**
   * Resolves to all recorded events once there are at least `count`.
   *
   * @remarks Rejects with a list of the recorded events on timeout or when the signal aborts.
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
        this.#waiting.delete(check);
        signal?.removeEventListener('abort', abort);
      };
      const check = (): void => {
        if (this.#events.length < count) return;
        stop();
        resolve(this.events);
      };
      const giveUp = (limit: string, cause?: unknown): void => {
        stop();
        const expected = count === 1 ? '1 event' : `${count} events`;
        const recorded = listEvents(this.#events, 'recorded');
        reject(new Error(`Expected ${expected} ${limit}. ${recorded}`, { cause }));
      };
      const abort = (): void => giveUp('before the signal aborted', signal?.reason);
      const timer = setTimeout(() => giveUp(`within ${timeout} ms`), timeout);
      this.#waiting.add(check);
      signal?.addEventListener('abort', abort, { once: true });
      check();
      if (signal?.aborted === true) abort();
    });
  }
}
