import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';
import { checkRetention, type DeadLetterRetention } from './dead-letter-retention.js';

/** Options of a {@link DiskEventQueue}. */
export interface DiskEventQueueOptions {
  /** Where events are kept. Processes of one machine can share it. It is made if it is missing. */
  directory: string;
  /**
   * How long an event may be in memory only, in milliseconds, as long as the disk keeps up. Older events survive the
   * death of the process and of the machine.
   *
   * @default 100
   */
  syncInterval?: number;
  /**
   * How much this process may have queued on the disk, in bytes. The files take up to a quarter more, plus 16 MiB.
   *
   * @default 1 GiB
   */
  maxBytes?: number;
  /**
   * How many events are processed at the same time.
   *
   * @default 1,000
   */
  concurrency?: number;
  /**
   * Bounds of the memory in which events wait for the disk, and the overflow policy.
   *
   * @default batches of 1,000, 50,000 events, 'drop-newest'
   */
  delivery?: Pick<DeliveryOptions, 'batchSize' | 'capacity' | 'maxBytes' | 'overflow' | 'timeout'>;
  /** How many dead letters are kept, and for how long. */
  deadLetters?: DeadLetterRetention;
  /**
   * Where problems with the disk are reported.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** @throws {@link ImproperlyConfigured} for options that cannot work */
export function checkDiskOptions(options: DiskEventQueueOptions): void {
  checkOptions(options, 'DiskEventQueue', {
    directory: true,
    syncInterval: true,
    maxBytes: true,
    concurrency: true,
    delivery: true,
    deadLetters: true,
    logger: true,
  });
  checkOptions(options.delivery ?? {}, 'DiskEventQueue: delivery', {
    batchSize: true,
    capacity: true,
    maxBytes: true,
    overflow: true,
    timeout: true,
  });
  checkRetention(options.deadLetters ?? {}, 'DiskEventQueue: deadLetters');
  const { directory } = options;
  if (typeof directory !== 'string' || directory === '') {
    throw new ImproperlyConfigured(
      `DiskEventQueue: directory must be a path; received ${describeValue(directory)}. ` +
        `Pass for example { directory: 'var/events' }.`,
    );
  }
  for (const key of ['syncInterval', 'maxBytes', 'concurrency'] as const) {
    const value = options[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new ImproperlyConfigured(
        `DiskEventQueue: ${key} must be a whole number above 0; received ${describeValue(value)}.`,
      );
    }
  }
}
