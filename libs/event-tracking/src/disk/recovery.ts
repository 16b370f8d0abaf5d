import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { DiskLine } from './disk-line.js';
import { prefixOf } from './entry.js';
import type { EventStore } from './event-store.js';
import type { Slots } from './slots.js';

const INTERVAL_MS = 5_000;

/** Delivers what processes have left behind that are gone, now and again and again. */
export class Recovery {
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** The nodes of which it was said that nobody has them. */
  readonly #strangers = new Set<string>();

  constructor(
    private readonly slots: Slots,
    private readonly own: () => Promise<EventStore>,
    private readonly lines: ReadonlySet<DiskLine>,
    private readonly diagnostics: Diagnostics,
  ) {}

  /** Begins, or begins again because there are further lines. */
  start(): void {
    if (this.#isStopped) return;
    this.#timer ??= setInterval(() => this.#lookAgain(), INTERVAL_MS).unref();
    void (this.#round ?? Promise.resolve()).then(() => {
      this.slots.forget();
      this.#look();
    });
  }

  /** Resolves when what is under way has ended, which it does when the lines are stopped. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  #lookAgain(): void {
    this.#look();
    for (const line of this.lines) line.hurry(); // where the disk failed at the start
    // By now the trees stand.
    void this.own()
      .then((store) => this.#reportStrangers(store))
      .catch(() => {});
  }

  #look(): void {
    if (this.#isStopped) return;
    this.#round ??= this.#recover()
      .catch((error: unknown) => this.#reportFailure(error))
      .finally(() => (this.#round = undefined));
  }

  async #recover(): Promise<void> {
    for await (const store of this.slots.abandoned()) {
      try {
        if (!this.#isStopped) await this.#takeUp(store);
        await this.slots.leave(store);
      } catch (error) {
        this.#reportFailure(error);
        await store.close(); // and look at it again
      }
      if (this.#isStopped) return;
    }
  }

  async #takeUp(store: EventStore): Promise<void> {
    const lines = [...this.lines].filter((line) => line.takesOut);
    await Promise.all(lines.map((line) => line.takeUp(store)));
    if (!this.#isStopped) await this.#reportStrangers(store);
  }

  #reportFailure(error: unknown): void {
    this.diagnostics.error(
      'recovery',
      `What other processes have left in the queue on disk could not be taken up: ${describeError(error)}.`,
    );
  }

  async #reportStrangers(store: EventStore): Promise<void> {
    for (const node of await store.nodes()) {
      const prefix = prefixOf(node);
      const isKnown = [...this.lines].some((line) => line.isOf(node));
      if (isKnown || this.#strangers.has(prefix)) continue;
      this.#strangers.add(prefix);
      this.diagnostics.warn(
        'strangers',
        `The queue on disk in ${store.location} has events of a node '${node.path}' of the tracker '${node.tracker}', ` +
          `which has no queue in this process. They stay until a process has it.`,
      );
    }
  }
}
