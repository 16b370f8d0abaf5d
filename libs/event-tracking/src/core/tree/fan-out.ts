import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';
import { copyOf } from '../event/snapshot.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import { isBackend, type Backend, type Deadline } from './backend.js';
import { Child } from './child.js';
import type { EventStats } from './event-stats.js';
import type { PersistenceQuery } from './persistence.js';
import { isClassOf } from './processor.js';
import {
  childPath,
  unattachedPosition,
  type Position,
  type QueueSide,
  type RouteOptions,
  type TreeNode,
  type Unacknowledged,
} from './tree-node.js';
import type { UnpersistedEvents } from '../diagnostics/unpersisted-events.js';

/** Gives each child a copy of every event; one that fails does not affect the others. */
export class FanOut implements TreeNode {
  #children: readonly Child[] = [];
  /** The records registered so far, for children that are added later. */
  #records: readonly MetadataRecord[] = [];
  #queue: QueueSide | undefined;
  #position = unattachedPosition();

  /** The children's backends by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return new Map(this.#children.map(({ name, backend }) => [name, backend]));
  }

  /**
   * Adds a child after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} for a taken or invalid name, and for a value without a method `send`
   */
  add(name: string, backend: Backend): void {
    const where = `backends.${childPath(this.#position, String(name))}`;
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      throw new ImproperlyConfigured(
        `${where}: a backend's name must be a non-empty string without dots, which separate the names in a ` +
          `path; received ${describeValue(name)}. Name it, for example, '${String(name).replaceAll('.', '_') || 'log'}'.`,
      );
    }
    if (this.#find(name) !== undefined) {
      throw new ImproperlyConfigured(
        `${where}: a backend with this name is already registered. Choose another name.`,
      );
    }
    if (!isBackend(backend)) {
      const fix = isClassOf(backend, ['send'])
        ? `Pass an instance: new ${(backend as { name: string }).name}(…).`
        : `Pass an object with a method send(event).`;
      throw new ImproperlyConfigured(
        `${where}: must be a backend; received ${describeValue(backend)}. ${fix}`,
      );
    }
    const child = new Child(name, backend, this.#position, this.#queue);
    this.#children = [...this.#children, child];
    for (const record of this.#records) child.register(record).catch(() => {}); // reported
  }

  route(event: TrackingEvent, size?: number): void {
    const children = this.#children;
    const last = children.length - 1;
    for (let index = 0; index <= last; index++) {
      children[index]!.node.route(index === last ? event : copyOf(event), size);
    }
  }

  async routeAsync(event: TrackingEvent, options: RouteOptions): Promise<Unacknowledged> {
    const results = this.#children.map(async ({ node }) => node.routeAsync(copyOf(event), options));
    return (await Promise.all(results)).flat();
  }

  routeAsyncTo(
    [name, ...further]: readonly string[],
    event: TrackingEvent,
    options: RouteOptions,
  ): Promise<Unacknowledged> | undefined {
    const node = this.#find(name)?.node;
    return further.length === 0
      ? node?.routeAsync(event, options)
      : node?.routeAsyncTo(further, event, options);
  }

  attach(position: Position): void {
    this.#position = position;
    for (const child of this.#children) child.attach(position);
  }

  joinQueue(queue: QueueSide): void {
    this.#queue = queue;
    this.#children = this.#children.map((child) => child.behindQueue(this.#position, queue));
  }

  async register(record: MetadataRecord): Promise<void> {
    this.#records = [...this.#records.filter(({ id }) => id !== record.id), record];
    const all = this.#children.map((child) => child.register(record));
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  stats(): Record<string, EventStats> {
    return Object.assign({}, ...this.#children.map(({ node }) => node.stats()));
  }

  async flush(deadline: Deadline): Promise<void> {
    await Promise.all(this.#children.map((child) => child.flush(deadline)));
  }

  async persisted(query: PersistenceQuery): Promise<readonly UnpersistedEvents[]> {
    return (await Promise.all(this.#children.map(({ node }) => node.persisted(query)))).flat();
  }

  async close(deadline: Deadline): Promise<void> {
    await this.flush(deadline);
    await Promise.all(this.#children.map((child) => child.close(deadline)));
  }

  abandon(): Record<string, number> {
    return Object.assign({}, ...this.#children.map(({ node }) => node.abandon()));
  }

  #find(name: string | undefined): Child | undefined {
    return this.#children.find((child) => child.name === name);
  }
}
