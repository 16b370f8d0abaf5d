import { isBackend, type Backend } from '../core/tree/backend.js';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** Which events are dropped when there is no room. */
export type OverflowPolicy = 'drop-newest' | 'drop-oldest';

/** How failed deliveries are retried: with exponential backoff and full jitter. */
export interface RetryOptions {
  /**
   * How many attempts of one kind (retryable, unknown) may fail in a row before an event is given up.
   *
   * @default no limit for outages, timeouts and throttling; 10 for errors of an unknown kind
   */
  attempts?: number;
  /**
   * The longest pause after the first failure, in milliseconds; it doubles with each further failure.
   *
   * @default 500
   */
  minDelay?: number;
  /**
   * The longest pause, in milliseconds, unless the destination asks for a longer one (`Retry-After`).
   *
   * @default 30,000
   */
  maxDelay?: number;
  /**
   * The longest pause that a destination can ask for (`Retry-After`), in milliseconds.
   *
   * @default 300,000
   */
  maxRetryAfter?: number;
  /**
   * The age, in milliseconds since it arrived at this destination, at which an event is given up when an attempt fails.
   *
   * @default no limit
   */
  maxAge?: number;
}

/** How events reach a destination. */
export interface DeliveryOptions {
  /**
   * How many events are sent at once to destinations with `sendBatch`. Others receive them one by one.
   *
   * @default 100
   */
  batchSize?: number;
  /**
   * The longest time that an event waits for its batch to fill, in milliseconds.
   *
   * @default 1,000
   */
  flushInterval?: number;
  /**
   * How many events may be on their way, including those that are being sent or stored as dead letters.
   *
   * @default 10,000
   */
  capacity?: number;
  /**
   * How many bytes the events on their way may take, estimated.
   *
   * @default 64 MiB
   */
  maxBytes?: number;
  /**
   * How many batches are sent at the same time. More than one does not keep their order.
   *
   * @default 1
   */
  concurrency?: number;
  /**
   * How long one attempt may take, in milliseconds.
   *
   * @default 10,000
   */
  timeout?: number;
  /**
   * How failed deliveries are retried; false tries each event once.
   *
   * @default see {@link RetryOptions}
   */
  retry?: RetryOptions | false;
  /**
   * Which events are dropped, and counted as `overflow`, when `capacity` or `maxBytes` is reached.
   *
   * @remarks An event that would not fit even then is dropped itself.
   * @default 'drop-newest'
   */
  overflow?: OverflowPolicy;
  /**
   * Stores events whose delivery was given up, each with the reason as `dead_letter`.
   *
   * @remarks The event stays pending until this backend has acknowledged it.
   *
   * @default none: such events are dropped, counted and logged
   */
  deadLetter?: Backend;
}

/** Complete and checked {@link DeliveryOptions}. */
export interface DeliverySettings {
  readonly batchSize: number;
  readonly flushInterval: number;
  readonly capacity: number;
  readonly maxBytes: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly retry: RetrySettings;
  readonly overflow: OverflowPolicy;
  readonly deadLetter: Backend | undefined;
}

/** Complete {@link RetryOptions}. */
export interface RetrySettings {
  readonly maxAttemptsRetryable: number;
  readonly maxAttemptsUnknown: number;
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly maxRetryAfter: number;
  readonly maxAge: number;
}

const POLICIES: readonly unknown[] = ['drop-newest', 'drop-oldest'] satisfies OverflowPolicy[];
/** The keys of all delivery options. */
export const DELIVERY_KEYS: KeysOf<DeliveryOptions> = {
  batchSize: true,
  flushInterval: true,
  capacity: true,
  maxBytes: true,
  concurrency: true,
  timeout: true,
  retry: true,
  overflow: true,
  deadLetter: true,
};
const RETRY_KEYS: KeysOf<RetryOptions> = {
  attempts: true,
  minDelay: true,
  maxDelay: true,
  maxRetryAfter: true,
  maxAge: true,
};

/**
 * Completes and checks options.
 *
 * @param where - the path of the options, for messages
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export function readDeliveryOptions(
  options: DeliveryOptions = {},
  where = 'delivery',
): DeliverySettings {
  checkOptions(options, where, DELIVERY_KEYS);
  const capacity = count(options.capacity, `${where}.capacity`) ?? 10_000;
  const batchSize = count(options.batchSize, `${where}.batchSize`) ?? Math.min(100, capacity);
  if (batchSize > capacity) {
    throw new ImproperlyConfigured(
      `${where}: batchSize must not be above capacity (${capacity}); received ${batchSize}. Raise the capacity or lower ` +
        `the batch size.`,
    );
  }
  return {
    batchSize,
    capacity,
    flushInterval: duration(options.flushInterval, `${where}.flushInterval`) ?? 1_000,
    maxBytes: count(options.maxBytes, `${where}.maxBytes`) ?? 64 * 1024 * 1024,
    concurrency: count(options.concurrency, `${where}.concurrency`) ?? 1,
    timeout: duration(options.timeout, `${where}.timeout`) ?? 10_000,
    retry: readRetry(options.retry, `${where}.retry`),
    overflow: readOverflow(options.overflow, `${where}.overflow`),
    deadLetter: readDeadLetter(options.deadLetter, `${where}.deadLetter`),
  };
}

function readRetry(retry: DeliveryOptions['retry'], where: string): RetrySettings {
  const { attempts, minDelay, maxDelay, maxRetryAfter, maxAge }: RetryOptions =
    retry === false ? { attempts: 1 } : (retry ?? {});
  if (retry !== false && retry !== undefined) checkOptions(retry, where, RETRY_KEYS);
  const allowed = attempts === Infinity ? Infinity : count(attempts, `${where}.attempts`);
  const shortest = duration(minDelay, `${where}.minDelay`) ?? 500;
  return {
    maxAttemptsRetryable: allowed ?? Infinity,
    maxAttemptsUnknown: allowed ?? 10,
    minDelay: shortest,
    maxDelay: Math.max(shortest, duration(maxDelay, `${where}.maxDelay`) ?? 30_000),
    maxRetryAfter: duration(maxRetryAfter, `${where}.maxRetryAfter`) ?? 300_000,
    maxAge: maxAge === Infinity ? Infinity : (duration(maxAge, `${where}.maxAge`) ?? Infinity),
  };
}

function readOverflow(policy: unknown, where: string): OverflowPolicy {
  if (policy === undefined) return 'drop-newest';
  if (POLICIES.includes(policy)) return policy as OverflowPolicy;
  throw new ImproperlyConfigured(
    `${where} must be 'drop-newest' or 'drop-oldest'; received ${describeValue(policy)}.`,
  );
}

function readDeadLetter(backend: unknown, where: string): Backend | undefined {
  if (backend === undefined || isBackend(backend)) return backend;
  throw new ImproperlyConfigured(
    `${where} must be a backend with a method send(event); received ${describeValue(backend)}.`,
  );
}

function count(value: unknown, where: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) {
    return value as number | undefined;
  }
  throw new ImproperlyConfigured(
    `${where} must be a whole number above 0; received ${describeValue(value)}.`,
  );
}

/** The longest duration of a timer, in milliseconds. */
export const LONGEST_DURATION_MS = 2 ** 31 - 1;

function duration(value: unknown, where: string): number | undefined {
  if (
    value === undefined ||
    (typeof value === 'number' && value >= 0 && value <= LONGEST_DURATION_MS)
  ) {
    return value;
  }
  throw new ImproperlyConfigured(
    `${where} must be a number of milliseconds from 0 to ${LONGEST_DURATION_MS}; received ${describeValue(value)}.`,
  );
}
