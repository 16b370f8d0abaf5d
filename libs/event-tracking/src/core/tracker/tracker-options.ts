import type { Backends } from '../tree/backend.js';
import { checkOptions, type KeysOf } from '../diagnostics/check-options.js';
import type { ContextLocator } from '../context/context-locator.js';
import { describeValue } from '../diagnostics/describe.js';
import type { DiagnosticLogger } from '../diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import type { ContextType, EventType } from '../event-types/event-type.js';
import type { TransactionMode } from '../event-types/transaction-mode.js';
import type { Processor } from '../tree/processor.js';

/** Options of a {@link Tracker}. */
export interface TrackerOptions {
  /**
   * The destinations by name, called in code-point order of their names.
   *
   * @default none
   */
  backends?: Backends;
  /**
   * The steps that each event takes before any backend gets it.
   *
   * @default none
   */
  processors?: Iterable<Processor>;
  /**
   * Finds the contexts of the running code.
   *
   * @default a {@link DefaultContextLocator} of its own
   */
  contextLocator?: ContextLocator;
  /**
   * The size in bytes of an event's data, estimated, beyond which a warning is logged. The event is delivered.
   *
   * @default 1 MiB
   */
  maxEventSize?: number;
  /**
   * The types of events and contexts that are known from the beginning.
   *
   * @default none
   */
  eventTypes?: Iterable<EventType | ContextType>;
  /**
   * Makes `flush` and `close` reject after events deviated from their types: for tests and development.
   *
   * @remarks Every event must then have a registered type. Events are still delivered.
   * @default false
   */
  strict?: boolean;
  /**
   * Whether events that are emitted in a transaction wait for its end; event types can differ.
   *
   * @default 'commit', which has an effect only in transactions that the library can observe
   */
  transaction?: TransactionMode;
  /**
   * The tracker's name in messages, and the one that contexts can be limited to.
   *
   * @default 'default'
   */
  name?: string;
  /**
   * Logs the tracker's warnings and errors.
   *
   * @default the console
   */
  logger?: DiagnosticLogger;
}

const OPTION_KEYS: KeysOf<TrackerOptions> = {
  backends: true,
  processors: true,
  contextLocator: true,
  maxEventSize: true,
  eventTypes: true,
  strict: true,
  transaction: true,
  name: true,
  logger: true,
};
/** In bytes. */
export const DEFAULT_MAX_EVENT_SIZE = 1024 * 1024;

/** @throws {@link ImproperlyConfigured} for a value that is not an object, and for unknown keys */
export function checkTrackerOptions(options: TrackerOptions): void {
  checkOptions(options, 'Tracker', OPTION_KEYS);
}

/** @throws {@link ImproperlyConfigured} for an invalid locator */
export function checkedLocator(locator: unknown): ContextLocator {
  const candidate = locator as Partial<ContextLocator> | null;
  if (typeof candidate?.get === 'function' && typeof candidate.run === 'function') {
    return candidate as ContextLocator;
  }
  throw new ImproperlyConfigured(
    `contextLocator must be an object with the methods get() and run(scope, fn); received ${describeValue(locator)}.`,
  );
}

/** @throws {@link ImproperlyConfigured} for an invalid size */
export function checkedSize(size: unknown): number {
  if (typeof size === 'number' && size > 0) return size;
  throw new ImproperlyConfigured(
    `maxEventSize must be a number of bytes above 0; received ${describeValue(size)}.`,
  );
}
