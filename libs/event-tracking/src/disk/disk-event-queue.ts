import { accessSync, constants, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
import { DiskEntrance } from './disk-entrance.js';
import { checkDiskOptions, type DiskEventQueueOptions } from './disk-event-queue-options.js';
import { DiskLine } from './disk-line.js';
import type { EventStore } from './event-store.js';
import { Recovery } from './recovery.js';
import { Slots } from './slots.js';

const DEFAULT_SYNC_INTERVAL_MS = 100;
const DEFAULT_MAX_BYTES = 2 ** 30;
const DEFAULT_CONCURRENCY = 1_000;
const DELIVERY = {
  batchSize: 1_000,
  capacity: 50_000,
  concurrency: 2, // while one batch is written, the next is made ready
  retry: { maxDelay: 1_000 }, // to ask the disk costs next to nothing
};

/**
 * A queue on the disk of one machine: what is in it survives the death of the process, without any server.
 *
 * @remarks
 * - An event is on the disk for good (fsync) at the latest `syncInterval` after it was emitted, as long as the disk keeps
 *   up; until then it is in memory. It is delivered at least once, and known by its id.
 * - Processes of one machine may share the directory. Each writes to a store of its own and empties it; what one has left
 *   that is gone is delivered by itself when it starts again, or by another.
 * - What is given up behind it is kept in its folder `dead-letters`, where a destination names no other place.
 * - What the disk does not take waits in memory, bounded, as before any destination. Damage is found by checksums, and
 *   reported.
 */
export class DiskEventQueue implements EventQueue {
  readonly deadLetters: DeadLetterFiles;
  readonly #options: DiskEventQueueOptions;
  readonly #diagnostics: Diagnostics;
  readonly #slots: Slots;
  readonly #lines = new Set<DiskLine>();
  /** The lines whose nodes have closed them. */
  readonly #left = new Set<DiskLine>();
  readonly #recovery: Recovery;
  #own: Promise<EventStore> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {@link ImproperlyConfigured} for options that cannot work */
  constructor(options: DiskEventQueueOptions) {
    checkDiskOptions(options);
    this.#options = options;
    this.deadLetters = new DeadLetterFiles(
      join(resolve(options.directory), DEAD_LETTERS),
      options.logger,
    );
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger('DiskEventQueue'));
    this.#slots = new Slots(resolve(options.directory), this.#diagnostics);
    this.#recovery = new Recovery(
      this.#slots,
      () => this.#openOwn(),
      this.#lines,
      this.#diagnostics,
    );
  }

  /** @throws {@link ImproperlyConfigured} when the directory cannot be made or written to */
  open(line: EventQueueConsumer): EventQueueProducer {
    const { syncInterval = DEFAULT_SYNC_INTERVAL_MS, delivery } = this.#options;
    const { maxBytes = DEFAULT_MAX_BYTES, concurrency = DEFAULT_CONCURRENCY } = this.#options;
    this.#makeDirectory();
    const diskLine = new DiskLine(line, {
      own: () => this.#openOwn(),
      maxBytes,
      concurrency,
      diagnostics: this.#diagnostics,
    });
    this.#lines.add(diskLine);
    return new DiskEntrance(
      diskLine,
      // The other half of the time is for writing.
      { ...DELIVERY, ...delivery, flushInterval: syncInterval / 2 },
      {
        starts: (started) => {
          this.#refuseSecond(started);
          this.#recover();
        },
        leave: (left, deadline) => this.#leave(left, deadline),
      },
    );
  }

  /** Rejects when the disk cannot be written to. */
  async check(): Promise<void> {
    await this.#openOwn();
  }

  /** Takes nothing more out, lets what is under way come to its end, and lets go of the disk. */
  async close({ signal }: Deadline = {}): Promise<void> {
    // What the deadline cuts short goes back to the disk once its destinations have been told to end.
    await untilAborted((this.#closing ??= this.#close()), signal);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#recovery.stop(), ...[...this.#lines].map((line) => line.stop())]);
    const own = await this.#own?.catch(() => undefined);
    await own?.close();
  }

  async #leave(line: DiskLine, deadline: Deadline): Promise<void> {
    const stopped = line.stop();
    this.#left.add(line);
    if (this.#left.size === this.#lines.size) await this.close(deadline);
    await untilAborted(stopped, deadline.signal);
  }

  /** Two nodes of one name would write over each other's events. */
  #refuseSecond(line: DiskLine): void {
    const node = line.line.position();
    const others = [...this.#lines].filter((each) => each !== line && each.takesOut);
    if (!others.some((each) => each.isOf(node))) return;
    throw new ImproperlyConfigured(
      `DiskEventQueue: this queue has a node '${node.path}' of a tracker '${node.tracker}' already. Give each application a queue of ` +
        `its own, in the same directory if you like.`,
    );
  }

  /** Looks for what others have left, once this process has a store itself: the first that is free may well be its own. */
  #recover(): void {
    const start = (): void => this.#recovery.start();
    this.#openOwn().then(start, start);
  }

  #openOwn(): Promise<EventStore> {
    if (this.#own === undefined) {
      const own = this.#slots.own();
      own.catch(() => (this.#own = undefined)); // to be tried again
      this.#own = own;
    }
    return this.#own;
  }

  #makeDirectory(): void {
    const { directory } = this.#options;
    try {
      mkdirSync(directory, { recursive: true });
      accessSync(directory, constants.W_OK);
    } catch (error) {
      throw new ImproperlyConfigured(
        `DiskEventQueue: events cannot be kept in the directory '${resolve(directory)}': ${describeError(error)}. ` +
          `Pass one that this process may write to.`,
      );
    }
  }
}
