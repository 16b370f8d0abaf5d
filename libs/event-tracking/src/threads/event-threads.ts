import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { Deadline } from '../core/tree/backend.js';
import { checkPeerVersion } from '../core/diagnostics/check-peer-version.js';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { findModule, type ModuleFile } from './module-file.js';
import {
  rethrow,
  type Role,
  type ThreadData,
  type ThreadReply,
  type ThreadTask,
} from './thread-messages.js';
import { readThreadOptions, type ThreadOptions, type ThreadSettings } from './thread-options.js';
import { Semaphore } from './semaphore.js';

/** The class that runs a module in threads, and the role of that module. */
export interface ThreadOwner {
  readonly name: string;
  readonly role: Role;
}

/** Runs the default export of a module in threads; each thread handles one event at a time. */
export class EventThreads {
  readonly #owner: ThreadOwner;
  readonly #module: ModuleFile;
  readonly #settings: ThreadSettings;
  readonly #diagnostics: Diagnostics;
  readonly #semaphore: Semaphore;
  readonly #pending = new Set<Promise<ThreadReply>>();
  readonly #entry: string;
  #pool: Piscina<ThreadTask, ThreadReply> | undefined;
  #isClosed = false;
  #isStopped = false;

  /** @throws {@link ImproperlyConfigured} if the module does not exist or an option is invalid */
  constructor(owner: ThreadOwner, module: unknown, options: ThreadOptions) {
    checkPeerVersion(owner.name, {
      name: 'piscina',
      version: Piscina.version,
      supported: [4, 5],
    });
    this.#owner = owner;
    this.#module = findModule(owner.name, module);
    this.#settings = readThreadOptions(owner.name, options);
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger(owner.name));
    this.#entry = findThreadEntry(owner.name);
    this.#semaphore = new Semaphore(this.#settings.threads);
  }

  /** Runs a task in the next free thread; rejects with the error that the thread threw. */
  async run(task: ThreadTask): Promise<ThreadReply> {
    if (this.#isClosed) throw this.#closedError();
    const work = this.#runInTurn(task);
    this.#pending.add(work);
    try {
      const reply = await work;
      rethrow(reply);
      return reply;
    } finally {
      this.#pending.delete(work);
    }
  }

  /** Rejects new tasks, waits for pending ones until the signal aborts, and stops the threads. */
  async close({ signal }: Deadline = {}): Promise<void> {
    this.#isClosed = true;
    await untilAborted(Promise.allSettled(this.#pending), signal);
    this.#isStopped = true;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #runInTurn(task: ThreadTask): Promise<ThreadReply> {
    await this.#semaphore.acquire();
    try {
      if (this.#isStopped) throw this.#closedError();
      return await this.#runWithTimeout(task);
    } finally {
      this.#semaphore.release();
    }
  }

  async #runWithTimeout(task: ThreadTask): Promise<ThreadReply> {
    const { timeout } = this.#settings;
    const pool = (this.#pool ??= this.#createPool());
    const timedOut = new AbortController();
    const timer = setTimeout(() => timedOut.abort(), timeout);
    try {
      return await pool.run(task, { signal: timedOut.signal });
    } catch (fault) {
      if (!timedOut.signal.aborted) throw fault;
      throw new Error(
        `${basename(this.#module.path)} took longer than ${timeout} ms (timeout); its thread was stopped`,
        { cause: fault },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** The pool never holds more tasks than threads, so no task queues for a thread that could die. */
  #createPool(): Piscina<ThreadTask, ThreadReply> {
    const { threads, idleTimeout, niceness, resourceLimits } = this.#settings;
    const data: ThreadData = { ...this.#module, role: this.#owner.role };
    const pool = new Piscina<ThreadTask, ThreadReply>({
      filename: this.#entry,
      name: 'run',
      minThreads: 0,
      maxThreads: threads,
      idleTimeout,
      resourceLimits,
      workerData: data,
      // On other platforms a nice value applies to the whole process.
      niceIncrement: process.platform === 'linux' ? niceness : 0,
      // Blocking on Atomics would stall the timers and sockets of an idle thread.
      atomics: 'disabled',
      recordTiming: false,
    });
    pool.on('error', (error: unknown) =>
      this.#diagnostics.error(
        'threads',
        `A thread of ${this.#module.path} ended without an event: ${describeError(error)}. The next event starts a new thread.`,
      ),
    );
    return pool;
  }

  #closedError(): Error {
    return new Error(`the ${this.#owner.name} of ${basename(this.#module.path)} is closed`);
  }
}

/**
 * Finds the entry file of the threads: next to this file, in `dist` if this file runs from source,
 * or above `dist/cjs`, because threads always load ES modules.
 */
function findThreadEntry(owner: string): string {
  const entry = [
    './thread-entry.js',
    '../../dist/threads/thread-entry.js',
    '../../threads/thread-entry.js',
  ]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (entry !== undefined) return entry;
  throw new ImproperlyConfigured(
    `${owner}: the entry file of its threads is missing next to the library's own files. ` +
      `Exclude nestjs-event-tracking and piscina from your bundle.`,
  );
}
