import { describeError } from '../core/describe-error.js';
import type { Diagnostics } from '../core/diagnostics.js';
import type { Consumption } from './consumption.js';
import type { DiskLine } from './disk-line.js';
import { prefixOf } from './entry.js';
import type { EventStore } from './event-store.js';
import type { Slots } from './slots.js';

const INTERVAL_MS = 5_000;

/** Delivers what processes have left behind that are gone, now and again and again. */
export class Recovery {
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #consumptions: readonly Consumption[] = [];
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
    this.slots.forget();
    this.#timer ??= setInterval(() => {
      this.#look();
      // By now the trees stand.
      void this.own()
        .then((store) => this.#reportStrangers(store))
        .catch(() => {});
    }, INTERVAL_MS).unref();
    this.#look();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#consumptions.map((each) => each.stop()));
    await this.#round;
  }

  #look(): void {
    this.#round ??= this.#recover()
      .catch((error: unknown) =>
        this.diagnostics.error(
          'recovery',
          `What other processes have left in the queue on disk could not be taken up: ${describeError(error)}.`,
        ),
      )
      .finally(() => (this.#round = undefined));
  }

  async #recover(): Promise<void> {
    for await (const store of this.slots.abandoned()) {
      if (!this.#isStopped) await this.#takeUp(store);
      await this.slots.leave(store);
      if (this.#isStopped) return;
    }
  }

  async #takeUp(store: EventStore): Promise<void> {
    this.#consumptions = [...this.lines].map((line) => line.consumptionOf(store));
    await Promise.all(this.#consumptions.map((each) => each.drain()));
    if (!this.#isStopped) await this.#reportStrangers(store);
    this.#consumptions = [];
  }

  async #reportStrangers(store: EventStore): Promise<void> {
    const known = [...this.lines].map(({ line }) => prefixOf(line.place()));
    for (const node of await store.nodes()) {
      const prefix = prefixOf(node);
      if (known.includes(prefix) || this.#strangers.has(prefix)) continue;
      this.#strangers.add(prefix);
      this.diagnostics.warn(
        'strangers',
        `The queue on disk in ${store.location} has events of a node '${node.path}' of the tracker '${node.tracker}', ` +
          `which has no queue in this process. They stay until a process has it.`,
      );
    }
  }
}
