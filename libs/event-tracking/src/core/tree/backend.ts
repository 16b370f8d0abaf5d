import type { TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';

/** How long a destination may take. */
export interface Deadline {
  /** Aborts when the caller will wait no longer. */
  signal?: AbortSignal;
}

/** What became of one event of a batch. */
export type Outcome =
  { ok: true } | { ok: false; error: unknown; retryable: boolean; retryAfterMs?: number };

/**
 * A destination of events.
 *
 * @remarks
 * `send` owns the event it is given. What it throws or rejects with is logged with the event's name and the
 * backend's path, and counted; it never reaches the emitting code. A backend's life is `check`, `flush` and `close`,
 * not the hooks of a framework.
 */
export interface Backend {
  /** Delivers one event, or takes it over for later. */
  send(event: TrackingEvent): void | Promise<void>;
  /** Delivers many events at once; resolves to each event's outcome, or to nothing when all went well. */
  sendBatch?(
    events: readonly TrackingEvent[],
    options: { signal: AbortSignal },
  ): Promise<void | readonly Outcome[]>;
  /**
   * Keeps what is known of a type of events or contexts; called before an event that refers to it is sent, once in a process.
   *
   * @remarks A fleet registers the same record again and again, and it is one: its id is known already.
   */
  register?(record: MetadataRecord): Promise<void>;
  /** Rejects when the destination cannot be reached. */
  check?(options: Deadline): Promise<void>;
  /** Resolves when everything that was taken over has been delivered or given up. */
  flush?(options: Deadline): Promise<void>;
  /** Flushes, and lets go of connections and timers. */
  close?(options: Deadline): Promise<void>;
}

/** Backends by name: an object or a Map. */
export type Backends = Readonly<Record<string, Backend>> | ReadonlyMap<string, Backend>;

/** What stands for all backends where event tracking is disabled. */
export const NO_BACKEND: Backend = Object.freeze({ send() {} });

/** Tells whether a value can serve as a backend. */
export function isBackend(value: unknown): value is Backend {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Backend>).send === 'function'
  );
}
