import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';

/** How many threads there are, how long they live, and how much they may take. */
export interface ThreadOptions {
  /**
   * How many threads there are at most. Each works on one event at a time; the others wait for their turn.
   *
   * @default one less than the machine can run at the same time, and at least one
   */
  threads?: number;
  /**
   * How long a thread may work on one event, in milliseconds. A thread that takes longer is ended. A thread's first event
   * includes its start and the loading of the module.
   *
   * @default 30,000
   */
  timeout?: number;
  /**
   * How long a thread stays that has nothing to do, in milliseconds.
   *
   * @default 60,000
   */
  idleTimeout?: number;
  /**
   * How far threads stand back where more wants to run than there are processors: what is added to their nice value, 0 to
   * 19. With 0 they compete with the thread that answers requests. Only on Linux, where each thread has a nice value of its own.
   *
   * @default 10
   */
  niceness?: number;
  /**
   * How much memory a thread may take, as `node:worker_threads` has it: `{ maxOldGenerationSizeMb: 256 }`, 16 at least.
   * Node ends a thread that needs more, and where it cannot do that the whole process.
   *
   * @default Node's own limits
   */
  resourceLimits?: ResourceLimits;
  /**
   * Where it is said that a thread ended without an event; what befalls an event, the tracker says.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** The options by which threads are run. */
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
/** As POSIX has it. */
const HIGHEST_NICENESS = 19;
/** The longest that a timer of Node can wait. */
const LONGEST_DURATION_MS = 2 ** 31 - 1;
const MOST_THREADS = 1_024;
/** With less, threads cannot start; Node ends some of them together with the whole process. */
const LEAST_HEAP_MB = 16;

/**
 * Reads the options of a thread processor.
 *
 * @param owner - the class that was given them, for the message
 * @throws {@link ImproperlyConfigured} for what cannot work
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
  checkWhole(`${owner}: threads`, threads, { from: 1, to: MOST_THREADS });
  checkWhole(`${owner}: timeout`, timeout, { from: 1, to: LONGEST_DURATION_MS });
  checkWhole(`${owner}: idleTimeout`, idleTimeout, { from: 1, to: LONGEST_DURATION_MS });
  checkWhole(`${owner}: niceness`, niceness, { from: 0, to: HIGHEST_NICENESS });
  checkLimits(owner, resourceLimits);
  return { threads, timeout, idleTimeout, niceness, resourceLimits };
}

function checkLimits(owner: string, limits: unknown): void {
  if (limits === undefined) return;
  if (!isPlainObject(limits)) {
    throw new ImproperlyConfigured(
      `${owner}: resourceLimits says how much memory a thread may take, received ${describeValue(limits)}. ` +
        `Pass for example { maxOldGenerationSizeMb: 256 }.`,
    );
  }
  const { maxOldGenerationSizeMb: heap } = limits;
  if (heap === undefined || (typeof heap === 'number' && heap >= LEAST_HEAP_MB)) return;
  throw new ImproperlyConfigured(
    `${owner}: resourceLimits.maxOldGenerationSizeMb is a number from ${LEAST_HEAP_MB}, because threads cannot start with ` +
      `less, received ${describeValue(heap)}.`,
  );
}

function checkWhole(where: string, value: unknown, range: { from: number; to: number }): void {
  const { from, to } = range;
  if (Number.isSafeInteger(value) && from <= (value as number) && (value as number) <= to) return;
  throw new ImproperlyConfigured(
    `${where} is a whole number from ${from} to ${to}, received ${describeValue(value)}.`,
  );
}
