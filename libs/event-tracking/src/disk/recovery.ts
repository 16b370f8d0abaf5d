import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import type { DiskNode } from './disk-node.js';
import { nodeOf } from './queued-record.js';
import type { Slots } from './slots.js';
import type { EventStore } from './store/event-store.js';

const INTERVAL_MS = 5_000;
/** A destination that is down holds up its events in one store, and should not hold up those in others. */
const STORES_AT_ONCE = 8;

/** Delivers events left by processes that have died: at start, then periodically. */
export class Recovery {
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Unknown nodes that were already warned about. */
  readonly #unknown = new Set<string>();

  constructor(
    private readonly slots: Slots,
    private readonly ownStore: () => Promise<EventStore>,
    private readonly nodes: ReadonlySet<DiskNode>,
    private readonly diagnostics: Diagnostics,
  ) {}

  /** Begins, or searches all stores again because a further node consumes. */
  start(): void {
    if (this.#isStopped) return;
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL_MS).unref();
    void (this.#round ?? Promise.resolve()).then(() => {
      this.slots.reset();
      this.#search();
    });
  }

  /** Resolves when the current search has ended, which it does when the nodes are stopped. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  #tick(): void {
    this.#search();
    // By now all trees are complete: a node without a consumer has none in this process.
    void this.ownStore()
      .then(async (store) => {
        await store.check();
        this.#warnOfUnknownNodes(store);
      })
      .catch(() => {})
      .finally(() => {
        for (const node of this.nodes) node.wake(); // in case the disk failed at the start
      });
  }

  #search(): void {
    if (this.#isStopped) return;
    this.#round ??= this.#recover()
      .catch((error: unknown) => this.#reportFailure(error))
      .finally(() => (this.#round = undefined));
  }

  async #recover(): Promise<void> {
    const recovering = new Set<Promise<void>>();
    for await (const store of this.slots.abandoned()) {
      const recovery: Promise<void> = this.#recoverFrom(store).finally(() =>
        recovering.delete(recovery),
      );
      recovering.add(recovery);
      if (recovering.size >= STORES_AT_ONCE) await Promise.race(recovering);
      if (this.#isStopped) break;
    }
    await Promise.all(recovering);
  }

  async #recoverFrom(store: EventStore): Promise<void> {
    try {
      if (!this.#isStopped) await this.#consume(store);
      await this.slots.leave(store);
    } catch (error) {
      this.#reportFailure(error);
      await store.close(); // not marked as searched, so the next round tries again
    }
  }

  async #consume(store: EventStore): Promise<void> {
    const nodes = [...this.nodes].filter((node) => node.isConsuming);
    await Promise.all(nodes.map((node) => node.consumeAll(store)));
    if (!this.#isStopped) this.#warnOfUnknownNodes(store);
  }

  #reportFailure(error: unknown): void {
    this.diagnostics.error(
      'recovery',
      `Queue on disk: events left by other processes could not be delivered: ${describeError(error)}. ` +
        `They stay on the disk, and the next attempt is in ${INTERVAL_MS / 1_000} s.`,
    );
  }

  #warnOfUnknownNodes(store: EventStore): void {
    for (const key of store.waitingKeys) {
      const isKnown = [...this.nodes].some((node) => node.owns(key));
      if (isKnown || this.#unknown.has(key)) continue;
      this.#unknown.add(key);
      const { tracker, path } = nodeOf(key);
      this.diagnostics.warn(
        'unknown nodes',
        `Queue on disk: ${store.location} has events of a node '${path}' of the tracker '${tracker}', ` +
          `which has no queue in this process. They stay until a process has that node.`,
      );
    }
  }
}
