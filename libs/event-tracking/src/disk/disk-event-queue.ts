import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Deadline } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type {
  EventQueue,
  EventQueueProducer,
  EventQueueConsumer,
} from '../core/tree/event-queue.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { DEAD_LETTERS, DeadLetterFiles } from './dead-letter-files.js';
import { checkDiskOptions, type DiskEventQueueOptions } from './disk-event-queue-options.js';
import { DiskNode } from './disk-node.js';
import { DiskProducer } from './disk-producer.js';
import { Recovery } from './recovery.js';
import { Slots } from './slots.js';
import type { EventStore } from './store/event-store.js';
import { codeOf } from './store/private-files.js';

const DEFAULT_SYNC_INTERVAL_MS = 100;
const DEFAULT_MAX_BYTES = 2 ** 30;
const DEFAULT_CONCURRENCY = 1_000;
const PRIVATE = 0o700;
const DELIVERY = {
  batchSize: 1_000,
  capacity: 50_000,
  concurrency: 2, // while one batch is written, the next is prepared
  retry: { maxDelay: 1_000 }, // asking the disk costs next to nothing
};

/**
 * A queue on the disk of one machine. Its events survive the death of the process, and it needs no server.
 *
 * @remarks
 * - An event is on the disk permanently (fsync) at most `syncInterval` after it was emitted, as long as the disk keeps
 *   up; until then it is in memory. It is delivered at least once, with the same id each time.
 * - Processes of one machine can share the directory. Each writes to a store of its own and empties it. When a process
 *   dies, its events are delivered by its next start or by another process.
 * - Dead letters go to the folder `dead-letters`, unless a destination names another place.
 * - While the disk takes no writes, events wait in memory, bounded, as before any destination. Checksums find damage,
 *   which is reported.
 */
export class DiskEventQueue implements EventQueue {
  readonly deadLetters: DeadLetterFiles;
  readonly #options: DiskEventQueueOptions;
  readonly #maxBytes: number;
  readonly #diagnostics: Diagnostics;
  readonly #slots: Slots;
  readonly #nodes = new Set<DiskNode>();
  readonly #closedNodes = new Set<DiskNode>();
  readonly #recovery: Recovery;
  #own: Promise<EventStore> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(options: DiskEventQueueOptions) {
    checkDiskOptions(options);
    const { maxBytes = DEFAULT_MAX_BYTES, logger, deadLetters } = options;
    const directory = resolve(options.directory);
    this.#options = options;
    this.#maxBytes = maxBytes;
    this.deadLetters = new DeadLetterFiles(join(directory, DEAD_LETTERS), logger, deadLetters);
    this.#diagnostics = new Diagnostics(logger ?? new Logger('DiskEventQueue'));
    this.#slots = new Slots(directory, this.#diagnostics, { maxBytes });
    this.#recovery = new Recovery(
      this.#slots,
      () => this.#ownStore(),
      this.#nodes,
      this.#diagnostics,
    );
  }

  /** @throws {@link ImproperlyConfigured} when the directory cannot be made or written to */
  open(consumer: EventQueueConsumer): EventQueueProducer {
    const { syncInterval = DEFAULT_SYNC_INTERVAL_MS, delivery } = this.#options;
    const { concurrency = DEFAULT_CONCURRENCY } = this.#options;
    this.#makeDirectory();
    const node = new DiskNode(consumer, {
      ownStore: () => this.#ownStore(),
      maxBytes: this.#maxBytes,
      concurrency,
      diagnostics: this.#diagnostics,
    });
    this.#nodes.add(node);
    return new DiskProducer(
      node,
      // The other half of the interval is for writing.
      { ...DELIVERY, ...delivery, flushInterval: syncInterval / 2 },
      {
        start: (started) => {
          this.#refuseSecond(started);
          this.#recover();
        },
        close: (closed, deadline) => this.#closeNode(closed, deadline),
      },
    );
  }

  /** Rejects when the disk cannot be written to. */
  async check(): Promise<void> {
    await this.#ownStore();
  }

  /** Stops consuming, waits for deliveries under way, and lets go of the directory. */
  async close({ signal }: Deadline = {}): Promise<void> {
    // Events whose delivery the deadline cuts short go back to the disk once their destinations have given them back.
    await untilAborted((this.#closing ??= this.#close()), signal);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#recovery.stop(), ...[...this.#nodes].map((node) => node.stop())]);
    const own = await this.#own?.catch(() => undefined);
    await own?.close();
  }

  async #closeNode(node: DiskNode, deadline: Deadline): Promise<void> {
    const stopped = node.stop();
    this.#closedNodes.add(node);
    if (this.#closedNodes.size === this.#nodes.size) await this.close(deadline);
    await untilAborted(stopped, deadline.signal);
  }

  /** Two nodes of one name would consume each other's events. */
  #refuseSecond(node: DiskNode): void {
    const others = [...this.#nodes].filter((each) => each !== node && each.isConsuming);
    if (!others.some(({ key }) => key === node.key)) return;
    const { path, tracker } = node.consumer.position();
    throw new ImproperlyConfigured(
      `DiskEventQueue: this queue already serves a node '${path}' of a tracker '${tracker}'. Give each application a queue ` +
        `of its own; the queues can share the directory.`,
    );
  }

  /** Searches for abandoned stores once this process has its own, because it may claim the first free one. */
  #recover(): void {
    const start = (): void => this.#recovery.start();
    this.#ownStore().then(start, start);
  }

  async #ownStore(): Promise<EventStore> {
    const own = (this.#own ??= this.#slots.openOwn());
    const store = await own.catch((error: unknown) => {
      if (this.#own === own) this.#own = undefined; // to be tried again
      throw error;
    });
    if (!store.isGone || this.#closing !== undefined) return store;
    if (this.#own === own) {
      this.#own = undefined;
      await store.close();
      this.#makeDirectory();
    }
    return this.#ownStore();
  }

  #makeDirectory(): void {
    const directory = resolve(this.#options.directory);
    try {
      mkdirSync(dirname(directory), { recursive: true });
      makePrivate(directory);
      accessSync(directory, constants.W_OK);
    } catch (error) {
      throw new ImproperlyConfigured(
        `DiskEventQueue: directory must be one that this process can write to; '${directory}' is not: ` +
          `${describeError(error)}. Pass another directory, or change its owner.`,
      );
    }
  }
}

/** Makes a directory for this user alone; one that exists keeps its permissions. */
function makePrivate(directory: string): void {
  try {
    mkdirSync(directory, PRIVATE);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !statSync(directory).isDirectory()) throw error;
    return;
  }
  chmodSync(directory, PRIVATE); // whatever the umask
}
