import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { Deadline } from '../core/tree/backend.js';
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
import { Turns } from './turns.js';

/** Who runs a module in threads. */
export interface ThreadOwner {
  readonly name: string;
  readonly role: Role;
}

/** Threads that run the default export of a module, each for one event at a time. */
export class EventThreads {
  readonly #owner: ThreadOwner;
  readonly #module: ModuleFile;
  readonly #settings: ThreadSettings;
  readonly #diagnostics: Diagnostics;
  readonly #turns: Turns;
  readonly #underWay = new Set<Promise<ThreadReply>>();
  readonly #entry: string;
  #pool: Piscina<ThreadTask, ThreadReply> | undefined;
  #isClosed = false;
  #isOver = false;

  /** @throws {@link ImproperlyConfigured} where there is no such module, and for options that cannot work */
  constructor(owner: ThreadOwner, module: unknown, options: ThreadOptions) {
    this.#owner = owner;
    this.#module = findModule(owner.name, module);
    this.#settings = readThreadOptions(owner.name, options);
    this.#diagnostics = new Diagnostics(options.logger ?? new Logger(owner.name));
    this.#entry = findEntry(owner.name);
    this.#turns = new Turns(this.#settings.threads);
  }

  /** Has a thread do something, as soon as one is free; rejects with what was thrown in it. */
  async run(task: ThreadTask): Promise<ThreadReply> {
    if (this.#isClosed) throw this.#closed();
    const work = this.#inTurn(task);
    this.#underWay.add(work);
    try {
      const reply = await work;
      rethrow(reply);
      return reply;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Takes nothing more, waits for what is under way until the signal aborts, and ends the threads. */
  async close({ signal }: Deadline = {}): Promise<void> {
    this.#isClosed = true;
    await untilAborted(Promise.allSettled(this.#underWay), signal);
    this.#isOver = true;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #inTurn(task: ThreadTask): Promise<ThreadReply> {
    await this.#turns.take();
    try {
      if (this.#isOver) throw this.#closed();
      return await this.#inTime(task);
    } finally {
      this.#turns.pass();
    }
  }

  async #inTime(task: ThreadTask): Promise<ThreadReply> {
    const { timeout } = this.#settings;
    const pool = (this.#pool ??= this.#open());
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(), timeout);
    try {
      return await pool.run(task, { signal: overdue.signal });
    } catch (fault) {
      if (!overdue.signal.aborted) throw fault;
      throw new Error(
        `${basename(this.#module.path)} took longer than ${timeout} ms (timeout), and its thread was ended`,
        { cause: fault },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** The pool has at most as many tasks as threads: none waits in it for a thread that could die meanwhile. */
  #open(): Piscina<ThreadTask, ThreadReply> {
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
      // Elsewhere it is the whole process that has a nice value.
      niceIncrement: process.platform === 'linux' ? niceness : 0,
      // A thread that waits for its next event has to see to its timers and sockets meanwhile.
      atomics: 'disabled',
      recordTiming: false,
    });
    pool.on('error', (error: unknown) =>
      this.#diagnostics.error(
        'threads',
        `A thread of ${this.#module.path} ended without an event: ${describeError(error)}. The next event gets another one.`,
      ),
    );
    return pool;
  }

  #closed(): Error {
    return new Error(`the ${this.#owner.name} of ${basename(this.#module.path)} is closed`);
  }
}

/** The program of the threads: beside this file, or among what was built of it where this file runs from its sources. */
function findEntry(owner: string): string {
  const entry = ['./thread-entry.js', '../../dist/threads/thread-entry.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (entry !== undefined) return entry;
  throw new ImproperlyConfigured(
    `${owner}: the program of its threads is not where its own files are. Leave nestjs-event-tracking and piscina out of ` +
      `the bundle.`,
  );
}
