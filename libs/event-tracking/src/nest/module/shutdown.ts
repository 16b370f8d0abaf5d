import { describeError } from '../../core/diagnostics/describe.js';
import { untilAborted } from '../../core/tree/until-aborted.js';
import type { EventTrackingApplication } from './application.js';
import type { TreeBuilder, Closable } from './tree-builder.js';

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;

/**
 * Delivers the remaining events when the application shuts down, within one time limit.
 *
 * @remarks
 * Flushes twice: before servers close, and after pending requests have ended. The time that
 * requests take in between does not count towards the limit.
 */
export class Shutdown {
  #remaining: number;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly application: EventTrackingApplication,
    private readonly builder: TreeBuilder,
  ) {
    this.#remaining = builder.blueprint.options.shutdownTimeout ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
  }

  /** Delivers the events emitted so far. */
  async drain(): Promise<void> {
    await this.#limited((signal) => this.#flush(signal));
  }

  /**
   * Delivers the remaining events, stops accepting new ones, and closes the backends and queues
   * that the module has created.
   *
   * @remarks Further calls return the promise of the first.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#limited(async (signal) => {
      await this.#flush(signal);
      this.application.hasEnded = true;
      for (const { pipeline } of this.application.trackers.values()) pipeline.stopAccepting();
      await this.#flush(signal);
      for (const each of this.builder.deliveries.toReversed()) await each.stop({ signal });
      await Promise.all([...this.builder.owned].map((each) => this.#closeOwned(each, signal)));
    });
    await Promise.all(this.builder.deliveries.map(async (each) => each.release?.()));
    this.#reportUndelivered();
    this.application.diagnostics.reportSuppressed();
  }

  async #flush(signal: AbortSignal): Promise<void> {
    const trackers = [...this.application.trackers.values()];
    await Promise.all(trackers.map(({ pipeline }) => pipeline.flush({ signal })));
  }

  async #closeOwned(backend: Closable, signal: AbortSignal): Promise<void> {
    try {
      await untilAborted(Promise.resolve(backend.close?.({ signal })), signal);
    } catch (fault) {
      this.application.diagnostics.error(
        'closing',
        `A backend or queue could not be closed: ${describeError(fault)}.`,
      );
    }
  }

  /** Runs work with a signal that aborts when the remaining time is used up. */
  async #limited(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const started = performance.now();
    const timer = setTimeout(() => controller.abort(), Math.max(0, this.#remaining));
    if (this.#remaining <= 0) controller.abort();
    try {
      await work(controller.signal);
    } finally {
      clearTimeout(timer);
      this.#remaining -= performance.now() - started;
    }
  }

  #reportUndelivered(): void {
    for (const [name, { tracker }] of this.application.trackers) {
      for (const [path, { pending }] of Object.entries(tracker.stats().backends)) {
        if (pending === 0) continue;
        this.application.diagnostics.error(
          `undelivered at ${name} ${path}`,
          `${pending} ${pending === 1 ? 'event was' : 'events were'} not delivered to the backend ` +
            `'${path}' of the tracker '${name}' within shutdownTimeout.`,
        );
      }
    }
  }
}
