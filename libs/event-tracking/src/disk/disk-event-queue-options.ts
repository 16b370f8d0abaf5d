import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { DeliveryOptions } from '../delivery/delivery-options.js';

/** What a {@link DiskEventQueue} is made of. */
export interface DiskEventQueueOptions {
  /** Where events are kept. Processes of one machine may share it; it is made where it is missing. */
  directory: string;
  /**
   * How long an event may be in memory only, in milliseconds, as long as the disk keeps up: what was emitted longer ago
   * survives the death of the process and of the machine.
   *
   * @default 100
   */
  syncInterval?: number;
  /**
   * How much this process may have on the disk, in bytes of what is queued; the store takes some MB more.
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
   * What waits in memory for the disk: how much of it, and what is dropped when that is not enough.
   *
   * @default batches of 1,000 at most, 50,000 in memory, the newest are dropped
   */
  delivery?: Pick<DeliveryOptions, 'batchSize' | 'capacity' | 'maxBytes' | 'overflow' | 'timeout'>;
  /**
   * Where it is said what went wrong with the disk.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** @throws {@link ImproperlyConfigured} for what cannot work */
export function checkDiskOptions(options: DiskEventQueueOptions): void {
  checkOptions(options, 'DiskEventQueue', {
    directory: true,
    syncInterval: true,
    maxBytes: true,
    concurrency: true,
    delivery: true,
    logger: true,
  });
  checkOptions(options.delivery ?? {}, 'DiskEventQueue: delivery', {
    batchSize: true,
    capacity: true,
    maxBytes: true,
    overflow: true,
    timeout: true,
  });
  const { directory } = options;
  if (typeof directory !== 'string' || directory === '') {
    throw new ImproperlyConfigured(
      `DiskEventQueue: directory says where events are kept, received ${describeValue(directory)}. ` +
        `Pass for example { directory: 'var/events' }.`,
    );
  }
  for (const key of ['syncInterval', 'maxBytes', 'concurrency'] as const) {
    const value = options[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new ImproperlyConfigured(
        `DiskEventQueue: ${key} is a whole number above 0, received ${describeValue(value)}.`,
      );
    }
  }
}
