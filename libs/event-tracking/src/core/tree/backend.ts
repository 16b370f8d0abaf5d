import type { TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';

/** How long work may take. */
export interface Deadline {
  /** Aborts when the caller will wait no longer. */
  signal?: AbortSignal;
}

/** The result of delivering one event of a batch. */
export type Outcome =
  { ok: true } | { ok: false; error: unknown; retryable: boolean; retryAfterMs?: number };

/**
 * A destination of events.
 *
 * @remarks
 * `send` owns the event it is given. An error that it throws or rejects with is logged with the event's name and the
 * backend's path, and counted; it never reaches the emitting code. The lifecycle of a backend is `check`, `flush` and
 * `close`, not the hooks of a framework.
 */
export interface Backend {
  /** Delivers one event, or accepts it for later. */
  send(event: TrackingEvent): void | Promise<void>;
  /** Delivers many events at once; resolves to one outcome per event, or to nothing if all were delivered. */
  sendBatch?(
    events: readonly TrackingEvent[],
    options: { signal: AbortSignal },
  ): Promise<void | readonly Outcome[]>;
  /**
   * Stores the metadata record of an event or context type; called once per process, before the first event of the type.
   *
   * @remarks Every process registers the same record; treat a known id as success.
   */
  register?(record: MetadataRecord): Promise<void>;
  /** Rejects when the destination cannot be reached. */
  check?(options: Deadline): Promise<void>;
  /** Resolves when all accepted events have been delivered or given up. */
  flush?(options: Deadline): Promise<void>;
  /** Flushes, and releases connections and timers. */
  close?(options: Deadline): Promise<void>;
}

/** Backends by name: an object or a Map. */
export type Backends = Readonly<Record<string, Backend>> | ReadonlyMap<string, Backend>;

/** Replaces all backends while event tracking is disabled. */
export const NO_BACKEND: Backend = Object.freeze({ send() {} });

/** Whether a value can serve as a backend. */
export function isBackend(value: unknown): value is Backend {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Backend>).send === 'function'
  );
}
