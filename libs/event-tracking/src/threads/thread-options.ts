import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** Limits the number, the lifetime and the memory of threads. */
export interface ThreadOptions {
  /**
   * The maximum number of threads. Each thread handles one event at a time; other events wait.
   *
   * @default one less than the available parallelism, and at least one
   */
  threads?: number;
  /**
   * The time a thread may spend on one event, in milliseconds. A thread that takes longer is stopped.
   * The time for a thread's first event includes starting the thread and loading the module.
   *
   * @default 30,000
   */
  timeout?: number;
  /**
   * The time after which an idle thread stops, in milliseconds.
   *
   * @default 60,000
   */
  idleTimeout?: number;
  /**
   * The increment of the threads' nice value, 0 to 19: how far they yield when the CPUs are busy. With
   * 0 they compete with the thread that answers requests. Works only on Linux, where each thread has
   * its own nice value.
   *
   * @default 10
   */
  niceness?: number;
  /**
   * The memory limits of a thread, as in `node:worker_threads`: `{ maxOldGenerationSizeMb: 256 }`, at
   * least 16. Node ends a thread that exceeds them, or the whole process if it cannot end the thread.
   *
   * @default Node's own limits
   */
  resourceLimits?: ResourceLimits;
  /**
   * Logs threads that end without an event. The tracker logs failures that concern an event.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** The options of threads, with defaults applied. */
export interface ThreadSettings {
  readonly threads: number;
  readonly timeout: number;
  readonly idleTimeout: number;
  readonly niceness: number;
  readonly resourceLimits: ResourceLimits | undefined;
}

const OPTION_KEYS: KeysOf<ThreadOptions> = {
  threads: true,
  timeout: true,
  idleTimeout: true,
  niceness: true,
  resourceLimits: true,
  logger: true,
};
const TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 60_000;
const NICENESS = 10;
/** The highest nice value of POSIX. */
const MAX_NICENESS = 19;
/** The longest delay of a Node timer. */
const MAX_DURATION_MS = 2 ** 31 - 1;
const MAX_THREADS = 1_024;
/** With less, threads cannot start, and Node sometimes ends the whole process with them. */
const MIN_HEAP_MB = 16;

/**
 * Validates the options of threads and applies the defaults.
 *
 * @param owner - the class that received the options, named in messages
 * @throws {@link ImproperlyConfigured} if an option is invalid
 */
export function readThreadOptions(owner: string, options: ThreadOptions): ThreadSettings {
  checkOptions(options, owner, OPTION_KEYS);
  const {
    threads = Math.max(1, availableParallelism() - 1),
    timeout = TIMEOUT_MS,
    idleTimeout = IDLE_TIMEOUT_MS,
    niceness = NICENESS,
    resourceLimits,
  } = options;
  checkInteger(`${owner}: threads`, threads, { from: 1, to: MAX_THREADS });
  checkInteger(`${owner}: timeout`, timeout, { from: 1, to: MAX_DURATION_MS });
  checkInteger(`${owner}: idleTimeout`, idleTimeout, { from: 1, to: MAX_DURATION_MS });
  checkInteger(`${owner}: niceness`, niceness, { from: 0, to: MAX_NICENESS });
  checkLimits(owner, resourceLimits);
  return { threads, timeout, idleTimeout, niceness, resourceLimits };
}

function checkLimits(owner: string, limits: unknown): void {
  if (limits === undefined) return;
  if (!isPlainObject(limits)) {
    throw new ImproperlyConfigured(
      `${owner}: resourceLimits must be an object of memory limits; received ${describeValue(limits)}. ` +
        `Pass, for example, { maxOldGenerationSizeMb: 256 }.`,
    );
  }
  const { maxOldGenerationSizeMb: heap } = limits;
  if (heap === undefined || (typeof heap === 'number' && heap >= MIN_HEAP_MB)) return;
  throw new ImproperlyConfigured(
    `${owner}: resourceLimits.maxOldGenerationSizeMb must be a number of at least ${MIN_HEAP_MB}; ` +
      `received ${describeValue(heap)}. Threads cannot start with less.`,
  );
}

function checkInteger(where: string, value: unknown, range: { from: number; to: number }): void {
  const { from, to } = range;
  if (Number.isSafeInteger(value) && from <= (value as number) && (value as number) <= to) return;
  throw new ImproperlyConfigured(
    `${where} must be a whole number from ${from} to ${to}; received ${describeValue(value)}.`,
  );
}
