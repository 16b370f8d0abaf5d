import type { Violation } from './violation.js';

/** What an error of this library may be built with. */
export interface EventTrackingErrorOptions {
  /** What led to it. */
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
    super(message, options);
  }
}

/** Thrown at bootstrap when what was configured cannot work. */
export class ImproperlyConfigured extends EventTrackingError {
  override readonly code: string = 'IMPROPERLY_CONFIGURED';
}

/** Thrown where a tracker was asked for by a name that nobody registered. */
export class UnknownTrackerError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_TRACKER';
}

/** Thrown where a backend was asked for by a path that the tree does not have. */
export class UnknownBackendError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_BACKEND';
}

/** Thrown where a context was exited that the running code has not entered. */
export class UnknownContextError extends EventTrackingError {
  override readonly code: string = 'UNKNOWN_CONTEXT';
}

/** Thrown where something was entered as a context that is none: a context is an object of keys and values. */
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

/** Thrown by a backend to say that the whole call failed and may succeed when it is tried again. */
export class RetryableDeliveryError extends EventTrackingError {
  override readonly code: string = 'RETRYABLE_DELIVERY';
  /** How long the destination asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    options: EventTrackingErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Thrown by a backend to say that the whole call failed and will fail again however often it is tried. */
export class PermanentDeliveryError extends EventTrackingError {
  override readonly code: string = 'PERMANENT_DELIVERY';
}

/** Thrown where text was read as an event that is none. */
export class MalformedEventError extends EventTrackingError {
  override readonly code: string = 'MALFORMED_EVENT';
}

/** What `flush` and `close` of a strict tracker reject with when events differed from what was agreed. */
export class EventViolationError extends EventTrackingError {
  override readonly code: string = 'EVENT_VIOLATION';

  /** What was found, each kind and name once. */
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

/** Marks a class so that `instanceof` asks for the mark, which every copy of the package shares. */
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
