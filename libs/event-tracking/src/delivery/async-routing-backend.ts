import type { EventStats } from '../core/tree/event-stats.js';
import type { Backend, Deadline } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import {
  isEventQueue,
  type ConsumeOptions,
  type EventQueue,
  type QueuedEvent,
  type EventQueueProducer,
} from '../core/tree/event-queue.js';
import { RoutingBackend, type RoutingBackendOptions } from '../core/tree/routing-backend.js';
import {
  ADOPT,
  BEHIND_QUEUE,
  DELIVER,
  DELIVER_AT,
  PASS_ON,
  PASS_ON_LATER,
  ROUTE,
  type Place,
} from '../core/tree/tree-node.js';
import { DeliveringBackend } from './delivering-backend.js';
import { MemoryEventQueue } from './memory-event-queue.js';

/** What the queue is called among what stands below the node. */
const QUEUE = 'queue';
/** How long a queue may take to take events back. */
const RELEASE_MS = 1_000;

/** What an async routing backend is made of. */
export interface AsyncRoutingBackendOptions extends RoutingBackendOptions {
  /**
   * Where events wait for the children.
   *
   * @default a {@link MemoryEventQueue}
   */
  queue?: EventQueue;
  /**
   * Whether this process takes events out of a queue that it shares with others.
   *
   * @default true
   */
  worker?: boolean;
}

/**
 * A routing backend whose children work behind a queue: what they do costs the code that emits nothing.
 *
 * @remarks
 * - The node's own processors run before the queue, where the event is emitted: what they filter is never queued.
 * - The children's processors run behind it, and may be asynchronous.
 * - Each destination behind it is delivered to by itself: tried again when it fails, whatever becomes of the others.
 * - It stands at any level of the tree of any tracker. Its queue has an account of its own, at its path and `.queue`.
 */
export class AsyncRoutingBackend extends RoutingBackend {
  readonly #intake: RoutingBackend;
  readonly #entrance: EventQueueProducer;
  readonly #worker: boolean;
  readonly #deadLetters: Backend | undefined;
  #isStarted = false;
  #place: Omit<Place, 'stands'> = { tracker: 'default', path: '', diagnostics: new Diagnostics() };

  /** @throws {@link ImproperlyConfigured} for what is no queue, and whatever a routing backend refuses */
  constructor(options: AsyncRoutingBackendOptions = {}) {
    checkOptions(options, 'AsyncRoutingBackend', {
      queue: true,
      worker: true,
      processors: true,
      backends: true,
    });
    const { queue = new MemoryEventQueue(), worker = true, processors, backends = {} } = options;
    super({ processors });
    if (!isEventQueue(queue)) {
      throw new ImproperlyConfigured(
        `queue: expected an event queue with a method open(line), received ${describeValue(queue)}. ` +
          `Pass for example new MemoryEventQueue().`,
      );
    }
    this.#worker = worker;
    this.#deadLetters = queue.deadLetters;
    this.#entrance = queue.open({
      position: () => this.#place,
      consume: (events, options = {}) => this.#consume(events, options),
      register: (record) => super.register(record),
    });
    this.#intake = new RoutingBackend({ backends: { [QUEUE]: this.#entrance } });
    super[BEHIND_QUEUE]((destination) => this.#delivering(destination));
    this.registerBackends(backends);
  }

  /**
   * Adds a child, which is called after those that are there, behind the queue.
   *
   * @throws {@link ImproperlyConfigured} when the name is taken, holds a dot or is `queue`, or the value is no backend
   */
  override registerBackend(name: string, backend: Backend): void {
    if (name === QUEUE) {
      throw new ImproperlyConfigured(
        `backends.queue: behind a queue no backend is called 'queue', because the queue's own account is found by that ` +
          `name. Rename it.`,
      );
    }
    super.registerBackend(name, backend);
  }

  /** Sends a metadata record the way that events take, where the queue can; rejects when it was not taken, which is reported. */
  override async register(record: MetadataRecord): Promise<void> {
    if (this.#entrance.register === undefined) await super.register(record);
    else await this.#intake.register(record);
  }

  override stats(): Record<string, EventStats> {
    const { path } = this.#place;
    const { [path]: own, ...children } = super.stats();
    const { [path]: _, ...queue } = this.#intake.stats();
    return { [path]: own!, ...queue, ...children };
  }

  /** Resolves when everything that was queued is delivered or given up, or the signal aborts; never rejects. */
  override async flush(options: Deadline = {}): Promise<void> {
    await Promise.all([this.#intake.flush(options), super.flush(options)]);
  }

  /** Flushes, ends consumption and closes all children; never rejects. */
  override async close(options: Deadline = {}): Promise<void> {
    await this.end(options);
    await super.close(options);
    await this.release();
  }

  /** Flushes and ends consumption; the children stay open. */
  async end(options: Deadline = {}): Promise<void> {
    await this.flush(options);
    await this.#intake.close(options);
  }

  /**
   * Lets go of the queue, when the children have ended: resolves when it has taken back what the deadline left undelivered
   * behind it, or does not manage to within a second.
   */
  async release(): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), RELEASE_MS);
    await this.#intake.close({ signal: late.signal });
    clearTimeout(timer);
  }

  /** @internal */
  override [ADOPT](place: Place): void {
    super[ADOPT](place);
    this.#place = place;
    this.#intake[ADOPT](place);
    if (!place.stands || this.#isStarted) return;
    this.#isStarted = true;
    this.#entrance.start?.({ worker: this.#worker });
  }

  /** @internal What is behind this queue is not behind another. */
  override [BEHIND_QUEUE](): void {}

  /** @internal */
  override [PASS_ON](event: TrackingEvent, size?: number): void {
    this.#intake[ROUTE](event, size);
  }

  /** @internal A queue behind a queue. */
  override async [PASS_ON_LATER](
    event: TrackingEvent,
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> {
    return this.#intake[DELIVER](event, options);
  }

  /** @internal What waited in this queue when it was closed, the queue before it has kept. */
  override [DELIVER_AT](
    names: readonly string[],
    event: TrackingEvent,
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> | undefined {
    const isWaiting = names.length === 1 && names[0] === QUEUE;
    return isWaiting
      ? this.#intake[DELIVER_AT](names, event, options)
      : super[DELIVER_AT](names, event, options);
  }

  async #consume(
    events: readonly QueuedEvent[],
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> {
    const undelivered = events.map(async ({ path, event }) => {
      if (path === this.#place.path) return super[PASS_ON_LATER](event, options);
      const delivered = super[DELIVER_AT](this.#namesTo(path), event, options);
      if (delivered === undefined) this.#reportStranger(path);
      return delivered ?? [{ path, event }];
    });
    return (await Promise.all(undelivered)).flat();
  }

  #reportStranger(path: string): void {
    const { path: own, diagnostics } = this.#place;
    diagnostics.warn(
      `strangers in the queue of ${own}`,
      `The queue of the node '${own}' has events for a backend '${path}', which is not there. They stay in the queue ` +
        `until a process has it.`,
      { burst: 1 },
    );
  }

  #delivering(backend: Backend): Backend {
    return new DeliveringBackend(backend, { deadLetter: this.#deadLetters });
  }

  #namesTo(path: string): string[] {
    const { path: own } = this.#place;
    return (own === '' ? path : path.slice(own.length + 1)).split('.');
  }
}
