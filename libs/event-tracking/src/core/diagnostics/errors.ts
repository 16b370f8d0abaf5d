import { thrownText } from './message-text.js';
import type { Violation } from './violation.js';

/** Options of this library's errors. */
export interface EventTrackingErrorOptions {
  /** The error that caused it. */
  cause?: unknown;
}

/**
 * The root of this library's errors.
 *
 * @remarks
 * Errors of this library are recognised by brand: `instanceof` also holds for an error that another copy of the
 * package made.
 */
export class EventTrackingError extends Error {
  /** A stable, machine-readable name of the fault. */
  readonly code: string = 'EVENT_TRACKING';

  constructor(message: string, options: EventTrackingErrorOptions = {}) {
    super(typeof message === 'string' ? thrownText(message) : message, options);
  }
}

/** Thrown at bootstrap for an invalid configuration. */
export class ImproperlyConfigured extends EventTrackingError {
  override readonly code: string = 'IMPROPERLY_CONFIGURED';
}

/** Thrown when no tracker is registered under the requested name. */
export class UnknownTrackerError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_TRACKER';
}

/** Thrown when the tree has no backend at the requested path. */
export class UnknownBackendError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_BACKEND';
}

/** Thrown when the running code exits a context that it has not entered. */
export class UnknownContextError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_CONTEXT';
}

/** Thrown when a value that is not an object of keys and values is entered as a context. */
export class InvalidContextError extends EventTrackingError {
  override readonly code: string = 'INVALID_CONTEXT';
}

/**
 * Thrown by a processor to drop an event, for this node of the tree and everything below it.
 *
 * @remarks The drop is counted as filtered and not logged. Thrown by a backend it is an error like any other.
 */
export class EventEmissionExit extends EventTrackingError {
  override readonly code: string = 'EVENT_EMISSION_EXIT';

  constructor(
    message = 'The event was dropped by a processor.',
    options?: EventTrackingErrorOptions,
  ) {
    super(message, options);
  }
}

/** Thrown by a backend that has no destination enabled for an event: counted as filtered. */
export class NoBackendEnabled extends EventTrackingError {
  override readonly code: string = 'NO_BACKEND_ENABLED';

  constructor(
    message = 'No backend is enabled for the event.',
    options?: EventTrackingErrorOptions,
  ) {
    super(message, options);
  }
}

/** Thrown by a backend that does not know how to transform an event: counted as filtered. */
export class NoTransformerImplemented extends EventTrackingError {
  override readonly code: string = 'NO_TRANSFORMER_IMPLEMENTED';

  constructor(
    message = 'No transformer is implemented for the event.',
    options?: EventTrackingErrorOptions,
  ) {
    super(message, options);
  }
}

/** Thrown by a backend when the whole call failed and another attempt may succeed. */
export class RetryableDeliveryError extends EventTrackingError {
  override readonly code: string = 'RETRYABLE_DELIVERY';
  /** How long the destination asked the client to wait, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    options: EventTrackingErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Thrown by a backend when the whole call failed and every further attempt would fail. */
export class PermanentDeliveryError extends EventTrackingError {
  override readonly code: string = 'PERMANENT_DELIVERY';
}

/** Thrown when text cannot be parsed as an event. */
export class MalformedEventError extends EventTrackingError {
  override readonly code: string = 'MALFORMED_EVENT';
}

/** Rejects `flush` and `close` of a strict tracker after events deviated from their types. */
export class EventViolationError extends EventTrackingError {
  override readonly code: string = 'EVENT_VIOLATION';

  /** The deviations, once per kind and name. */
  readonly violations: readonly Violation[];

  constructor(
    message: string,
    options: EventTrackingErrorOptions & { violations?: readonly Violation[] } = {},
  ) {
    super(message, options);
    this.violations = options.violations ?? [];
  }
}

for (const [name, type] of Object.entries({
  EventTrackingError,
  ImproperlyConfigured,
  UnknownTrackerError,
  UnknownBackendError,
  UnknownContextError,
  InvalidContextError,
  EventEmissionExit,
  NoBackendEnabled,
  NoTransformerImplemented,
  RetryableDeliveryError,
  PermanentDeliveryError,
  MalformedEventError,
  EventViolationError,
})) {
  brand(name, type);
}

/** Marks a class, so that `instanceof` also recognises instances that another copy of the package created. */
function brand(name: string, type: { prototype: object }): void {
  const mark = Symbol.for(`event-tracking:error:${name}`);
  Object.defineProperty(type.prototype, mark, { value: true });
  Object.defineProperty(type.prototype, 'name', {
    value: name,
    configurable: true,
    writable: true,
  });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: { prototype: object }, candidate: unknown): boolean {
      try {
        return this === type
          ? Boolean((candidate as Record<symbol, unknown> | null | undefined)?.[mark])
          : Object.prototype.isPrototypeOf.call(this.prototype, candidate as object);
      } catch {
        return false; // a revoked proxy was thrown
      }
    },
  });
}
