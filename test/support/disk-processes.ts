import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AsyncRoutingBackend,
  Tracker,
  type Backend,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { DiskEventQueue, type DiskEventQueueOptions } from 'nestjs-event-tracking/disk';
import { vi } from 'vitest';
import { copyFiles } from './store-files.js';

/** Limits segments to 64 KiB. */
const SMALL_SEGMENTS = 2 ** 19;

/** Resolves when a number of events are on the disk. */
export async function queued(tracker: Tracker, count: number): Promise<void> {
  const isQueued = (): boolean => tracker.stats().backends['node.queue']!.delivered === count;
  await vi.waitUntil(isQueued, { timeout: 10_000, interval: 2 });
}

/** A destination that never answers. */
export const stuck: Backend = { send: () => new Promise<void>(() => {}) };

/** Simulated processes that share a directory; each tracker has a node with a queue on disk. */
export class DiskProcesses {
  /** The log messages of all processes. */
  readonly log: string[] = [];
  readonly #trackers: Tracker[] = [];

  private constructor(readonly directory: string) {}

  static async create(): Promise<DiskProcesses> {
    return new DiskProcesses(await mkdtemp(join(tmpdir(), 'disk-queue-')));
  }

  start(destination: Backend, options: Partial<DiskEventQueueOptions> = {}): Tracker {
    const logger = {
      warn: (text: string) => void this.log.push(text),
      error: (text: string) => void this.log.push(text),
    };
    const { directory } = this;
    const queue = new DiskEventQueue({ directory, logger, syncInterval: 10, ...options });
    const backends = { node: new AsyncRoutingBackend({ queue, backends: { destination } }) };
    const tracker = new Tracker({ backends, logger });
    this.#trackers.push(tracker);
    return tracker;
  }

  /** Leaves undelivered events on the disk, in segments of at least 64 KiB. */
  async leave(
    events: readonly string[],
    {
      data = {},
      isKilled = false,
      isOneWrite = false,
      slot = '0',
    }: {
      data?: Record<string, unknown>;
      isKilled?: boolean;
      isOneWrite?: boolean;
      slot?: string;
    } = {},
  ): Promise<void> {
    const { directory } = this;
    const queue = new DiskEventQueue({ directory, syncInterval: 2, maxBytes: SMALL_SEGMENTS });
    const producer = queue.open({
      position: () => ({ tracker: 'default', path: 'node' }),
      consume: async () => [],
      register: async () => {},
    });
    for (const name of events) {
      const event = { id: randomUUID(), name, timestamp: new Date(), context: {}, data };
      await producer.send(event);
      if (!isOneWrite) await producer.flush!({});
    }
    await producer.flush!({});
    const [store, copy] = [join(this.directory, slot), join(this.directory, 'copy')];
    if (isKilled) copyFiles(store, copy);
    await producer.close!({});
    if (!isKilled) return;
    await rm(store, { recursive: true });
    copyFiles(copy, store);
    await rm(copy, { recursive: true });
  }

  /** Resolves when a store holds no segments: all of its events are acknowledged and deleted. */
  async settled(slot: string): Promise<void> {
    const isWaiting = async (): Promise<boolean> => {
      const names = await readdir(join(this.directory, slot));
      return names.some((name) => name.endsWith('.events'));
    };
    await vi.waitUntil(async () => !(await isWaiting()));
  }

  /** Resolves when no process holds the store of a slot, or any store. */
  async released(slot = ''): Promise<void> {
    await vi.waitUntil(async () => {
      const names = await readdir(this.directory, { recursive: true }).catch(() => []);
      return !names.some((name) => name.startsWith(slot) && name.includes('lock-'));
    });
  }

  async end(): Promise<void> {
    for (const tracker of this.#trackers) await tracker.close({ signal: AbortSignal.abort() });
    await this.released();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export function namesOf(events: readonly TrackingEvent[]): string[] {
  return events.map(({ name }) => name);
}

export function numbered(count: number, prefix = 'e'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
