import { isBackend, type Backend } from '../core/tree/backend.js';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** What is dropped when more events are waiting than may wait. */
export type OverflowPolicy = 'drop-newest' | 'drop-oldest';

/** How failed deliveries are tried again: with exponential backoff and full jitter. */
export interface RetryOptions {
  /**
   * How often an event is tried in all before it is given up.
   *
   * @default no limit while the destination says that trying again may help; 10 for failures of an unknown kind and
   * for timeouts
   */
  attempts?: number;
  /**
   * The longest pause after the first failure, in milliseconds; it doubles with each further one.
   *
   * @default 500
   */
  minDelay?: number;
  /**
   * The longest pause there is, in milliseconds, save when the destination asks for a longer one (`Retry-After`).
   *
   * @default 30,000
   */
  maxDelay?: number;
}

/** How events reach a destination. */
export interface DeliveryOptions {
  /**
   * How many events are sent at once, to destinations that have `sendBatch`; others get them one by one.
   *
   * @default 100
   */
  batchSize?: number;
  /**
   * How long an event waits at most for its batch to fill, in milliseconds.
   *
   * @default 1,000
   */
  flushInterval?: number;
  /**
   * How many events may be on their way, those that are being sent included.
   *
   * @default 10,000
   */
  capacity?: number;
  /**
   * How much memory the events on their way may take, in bytes, estimated.
   *
   * @default 64 MiB
   */
  maxBytes?: number;
  /**
   * How many batches are sent at the same time. With more than one their order is not kept.
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
   * How failed deliveries are tried again; false tries each once.
   *
   * @default see {@link RetryOptions}
   */
  retry?: RetryOptions | false;
  /**
   * What is dropped, and counted as `overflow`, when `capacity` or `maxBytes` is reached.
   *
   * @remarks Nothing that waits is dropped for an event that would find no room even then.
   * @default 'drop-newest'
   */
  overflow?: OverflowPolicy;
  /**
   * Where events go whose delivery was given up, each with the reason as `dead_letter`.
   *
   * @default none: they are dropped, counted and logged
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
  /** Attempts where the destination said that trying again may help. */
  readonly attemptsWhenPromising: number;
  /** Attempts where nobody knows. */
  readonly attemptsWhenUnknown: number;
  readonly minDelay: number;
  readonly maxDelay: number;
}

const POLICIES: readonly unknown[] = ['drop-newest', 'drop-oldest'] satisfies OverflowPolicy[];
/** All options of delivery, for whoever takes some of them. */
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
const RETRY_KEYS: KeysOf<RetryOptions> = { attempts: true, minDelay: true, maxDelay: true };

/**
 * Completes and checks options.
 *
 * @param where - how the configuration names the place, for messages
 * @throws {@link ImproperlyConfigured} with the place, what was received there and how to mend it
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
      `${where}: a batch of ${batchSize} events (batchSize) can never fill where only ${capacity} may wait (capacity). ` +
        `Raise the capacity or make the batch smaller.`,
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
  const { attempts, minDelay, maxDelay }: RetryOptions =
    retry === false ? { attempts: 1 } : (retry ?? {});
  if (retry !== false && retry !== undefined) checkOptions(retry, where, RETRY_KEYS);
  const allowed = attempts === Infinity ? Infinity : count(attempts, `${where}.attempts`);
  const shortest = duration(minDelay, `${where}.minDelay`) ?? 500;
  return {
    attemptsWhenPromising: allowed ?? Infinity,
    attemptsWhenUnknown: allowed ?? 10,
    minDelay: shortest,
    maxDelay: Math.max(shortest, duration(maxDelay, `${where}.maxDelay`) ?? 30_000),
  };
}

function readOverflow(policy: unknown, where: string): OverflowPolicy {
  if (policy === undefined) return 'drop-newest';
  if (POLICIES.includes(policy)) return policy as OverflowPolicy;
  throw new ImproperlyConfigured(
    `${where}: expected 'drop-newest' or 'drop-oldest', received ${describeValue(policy)}.`,
  );
}

function readDeadLetter(backend: unknown, where: string): Backend | undefined {
  if (backend === undefined || isBackend(backend)) return backend;
  throw new ImproperlyConfigured(
    `${where}: expected a backend with a method send(event), received ${describeValue(backend)}.`,
  );
}

function count(value: unknown, where: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) {
    return value as number | undefined;
  }
  throw new ImproperlyConfigured(
    `${where}: expected a whole number above 0, received ${describeValue(value)}.`,
  );
}

/** What timers can measure, in milliseconds. */
export const LONGEST_DURATION_MS = 2 ** 31 - 1;

function duration(value: unknown, where: string): number | undefined {
  if (
    value === undefined ||
    (typeof value === 'number' && value >= 0 && value <= LONGEST_DURATION_MS)
  ) {
    return value;
  }
  throw new ImproperlyConfigured(
    `${where}: expected a number of milliseconds from 0 to ${LONGEST_DURATION_MS}, received ${describeValue(value)}.`,
  );
}
