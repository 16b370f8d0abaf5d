import { describeError } from '../diagnostics/describe.js';
import { NoBackendEnabled, NoTransformerImplemented } from '../diagnostics/errors.js';
import { nameOf, type TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import { AcceptedEvents } from './accepted-events.js';
import type { Backend, Deadline } from './backend.js';
import { EventCounters, type EventStats } from './event-stats.js';
import { isThenable } from '../diagnostics/is-thenable.js';
import { currentPeriod } from '../event/periods.js';
import { unpersistedAt, type PersistenceQuery } from './persistence.js';
import type { Position, QueueSide, TreeNode, Unacknowledged } from './tree-node.js';
import type { UnpersistedEvents } from '../diagnostics/unpersisted-events.js';
import { untilAborted } from './until-aborted.js';

/** Sends events to a plain backend, once, and counts the outcomes. */
export class LeafNode implements TreeNode {
  readonly #counters = new EventCounters();
  /** Sends that have not settled. */
  readonly #pending = new Set<Promise<void>>();
  #position: Position;
  readonly #accepted: AcceptedEvents;

  /** @param inner - the backend's own subtree, if its class is a routing backend with a different `send` */
  constructor(
    private readonly backend: Backend,
    position: Position,
    private readonly inner?: TreeNode,
  ) {
    this.#position = position;
    this.#accepted = new AcceptedEvents(backend, this.#counters, () => this.#position);
  }

  get backends(): ReadonlyMap<string, Backend> | undefined {
    return this.inner?.backends;
  }

  /** @returns a promise if the backend returned one; it never rejects */
  route(event: TrackingEvent): Promise<void> | void {
    const counters = this.#counters;
    const name = nameOf(event);
    counters.arrived++;
    try {
      const result: unknown = this.backend.send(event);
      if (isThenable(result)) return this.#await(name, result);
      counters.delivered++;
    } catch (error) {
      this.#countFailure(name, error);
    }
  }

  async routeAsync(event: TrackingEvent): Promise<Unacknowledged> {
    await this.route(event);
    return [];
  }

  routeAsyncTo(): undefined {
    return undefined;
  }

  attach(position: Position): void {
    this.#position = position;
    this.inner?.attach(position);
  }

  joinQueue(queue: QueueSide): void {
    this.inner?.joinQueue?.(queue);
  }

  async register(record: MetadataRecord): Promise<void> {
    if (this.inner !== undefined) return this.inner.register(record);
    try {
      await this.backend.register?.(record);
    } catch (error) {
      this.#reportUnregistered(record, error);
      throw error;
    }
  }

  stats(): Record<string, EventStats> {
    return { ...this.inner?.stats(), [this.#position.path]: this.#counters.read() };
  }

  async flush(deadline: Deadline): Promise<void> {
    await untilAborted(Promise.all(this.#pending), deadline.signal);
    await this.#settled('flush', deadline);
  }

  async persisted(query: PersistenceQuery): Promise<readonly UnpersistedEvents[]> {
    const { path } = this.#position;
    const { signal } = query;
    const sends = [...this.#pending];
    const sent = untilAborted(Promise.all(sends), signal);
    if (this.inner !== undefined) {
      await sent;
      const below = await this.inner.persisted(query);
      return [...unpersistedAt(path, this.#counters, query, this.#unsettled(sends)), ...below];
    }
    if (sends.length > 0) await this.#accepted.flush(signal); // some backends settle their sends only then
    await sent;
    const unwritten = await this.#accepted.write(signal);
    return unpersistedAt(path, this.#counters, query, this.#unsettled(sends) + unwritten);
  }

  #unsettled(sends: readonly Promise<void>[]): number {
    return sends.filter((send) => this.#pending.has(send)).length;
  }

  async close(deadline: Deadline): Promise<void> {
    await this.#settled('close', deadline);
  }

  abandon(): Record<string, number> {
    const { pending } = this.#counters;
    return { ...(pending > 0 && { [this.#position.path]: pending }), ...this.inner?.abandon() };
  }

  /** A node keeps the deadline itself, and counts the events it could not deliver. */
  async #settled(step: 'flush' | 'close', deadline: Deadline): Promise<void> {
    if (this.inner !== undefined) return this.inner[step](deadline);
    await untilAborted(Promise.resolve(this.backend[step]?.(deadline)), deadline.signal);
  }

  #await(eventName: string, result: PromiseLike<unknown>): Promise<void> {
    const counters = this.#counters;
    const period = currentPeriod();
    counters.pending++;
    const settled = settle(result)
      .then(
        () => void counters.delivered++,
        (error: unknown) => this.#countFailure(eventName, error, period),
      )
      .finally(() => {
        counters.pending--;
        this.#pending.delete(settled);
      });
    this.#pending.add(settled);
    return settled;
  }

  #countFailure(eventName: string, error: unknown, period = currentPeriod()): void {
    if (error instanceof NoTransformerImplemented || error instanceof NoBackendEnabled) {
      this.#counters.filtered++;
      return;
    }
    this.#counters.drop('failed', 1, period);
    const { path, diagnostics } = this.#position;
    diagnostics.error(
      `backend ${path}`,
      `Unable to send the event '${eventName}' to the backend '${path}': ${describeError(error)}`,
    );
  }

  #reportUnregistered({ kind, name, id }: MetadataRecord, error: unknown): void {
    const { path, diagnostics } = this.#position;
    diagnostics.error(
      `register ${path}`,
      `Unable to register the ${kind} type '${name}' (${id}) with the backend '${path}': ` +
        `${describeError(error)}`,
    );
  }
}

/** Resolves as a backend's promise does, even if its `then` throws. */
async function settle(result: PromiseLike<unknown>): Promise<void> {
  await result;
}
