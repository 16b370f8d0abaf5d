import { Logger, type InjectionToken } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { isBackend, NO_BACKEND, type Backend, type Deadline } from '../../core/tree/backend.js';
import type { ContextLocator } from '../../core/context/context-locator.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured, UnknownBackendError } from '../../core/diagnostics/errors.js';
import { isEventQueue, type EventQueue } from '../../core/tree/event-queue.js';
import { toStep, type Processor } from '../../core/tree/processor.js';
import { RoutingBackend } from '../../core/tree/routing-backend.js';
import { AsyncRoutingBackend } from '../../delivery/async-routing-backend.js';
import { DeliveringBackend } from '../../delivery/delivering-backend.js';
import type { EventTrackingApplication } from './application.js';
import {
  entryAt,
  pathsOf,
  queuesIn,
  type Blueprint,
  type LeafEntry,
  type NodeEntry,
  type ObjectSource,
  type TreeEntry,
} from '../config/blueprint.js';
import { resolveSource } from './resolve-source.js';
import { getBackendToken } from '../tokens.js';
import { isWorkerBootstrap } from './worker-bootstrap.js';

/** An object that may have resources to release. */
export type Closable = Pick<Backend, 'close'>;

/** A backend that buffers events and can be stopped without closing their destinations. */
export interface Stoppable {
  stop(options: Deadline): Promise<void>;
  /** Cleans up once all buffering backends have stopped. */
  release?(): Promise<void>;
}

/** Builds the trees of a blueprint, each entry once, and attaches them to the application's trackers. */
export class TreeBuilder {
  readonly #backends = new Map<TreeEntry, Promise<Backend>>();
  readonly #queues = new Map<ObjectSource, Promise<EventQueue>>();
  readonly #owned = new Set<Closable>();
  readonly #deliveries: Stoppable[] = [];
  readonly #tokens: ReadonlyMap<TreeEntry, InjectionToken>;

  constructor(
    readonly blueprint: Blueprint,
    readonly application: EventTrackingApplication,
    private readonly injector: ModuleRef,
  ) {
    this.#tokens = tokensOf(blueprint);
  }

  /** The backends and queues that this module has created and must close. */
  get owned(): ReadonlySet<Closable> {
    return this.#owned;
  }

  /** The backends that buffer events, in reverse order of an event's route. */
  get deliveries(): readonly Stoppable[] {
    return this.#deliveries;
  }

  /**
   * Returns the backend at a path of a tracker's tree, or a no-op if event tracking is disabled.
   *
   * @throws {@link UnknownBackendError} if no backend is configured at the path
   */
  backend(tracker: string, path: string): Promise<Backend> {
    if (!this.#enabled) return Promise.resolve(NO_BACKEND);
    const root = this.blueprint.trackers.get(tracker);
    const entry = root === undefined ? undefined : entryAt(root, path);
    if (entry === undefined) {
      const known = root === undefined ? [] : pathsOf(root);
      throw new UnknownBackendError(
        `The tracker '${tracker}' has no backend '${path}' to inject. ` +
          `Configured backends: ${known.length === 0 ? 'none' : known.join(', ')}.`,
      );
    }
    return this.#buildBackend(entry);
  }

  /** Builds all trees and attaches them to the trackers. */
  async build(): Promise<void> {
    const { application, blueprint } = this;
    application.enabled = this.#enabled;
    application.register(blueprint.options.eventTypes ?? []);
    if (!this.#enabled) {
      for (const name of blueprint.trackers.keys()) application.ownTracker(name);
      for (const { pipeline } of application.trackers.values()) pipeline.disable();
      return;
    }
    if (this.#isWorker) this.#reportWorker();
    const { maxEventSize, strict } = blueprint.options;
    const contextLocator = await this.#createLocator();
    if (contextLocator !== undefined) application.locator = contextLocator;
    const roots = await Promise.all(
      [...blueprint.trackers].map(
        async ([name, root]) => [name, await this.#buildNode(root)] as const,
      ),
    );
    for (const [name, root] of roots) {
      const { transaction } = blueprint.trackers.get(name)!;
      if (transaction === 'commit') application.asksForCommit = true;
      const options = { contextLocator, maxEventSize, strict, transaction };
      application.ownTracker(name).pipeline.attach(root, options);
    }
  }

  get #isWorker(): boolean {
    return this.blueprint.options.worker === true || isWorkerBootstrap();
  }

  #reportWorker(): void {
    const logger = new Logger('EventTracking');
    const queues = [...this.blueprint.trackers.values()].flatMap(queuesIn);
    if (queues.length > 0) {
      const places = queues.map(({ where }) => where).join(', ');
      logger.log(`This process is a worker: it consumes events from ${places}.`);
      return;
    }
    logger.warn(
      `This process is a worker, which consumes events from queues, but no node of the tree has a ` +
        `queue. Give a node a queue that processes share, such as bullMqQueue(), or remove the ` +
        `option worker.`,
    );
  }

  get #enabled(): boolean {
    return this.blueprint.options.enabled !== false;
  }

  /** Resolves a backend through its injection token, which tests can override. */
  async #resolveBackend(entry: TreeEntry): Promise<Backend> {
    const token = this.#tokens.get(entry);
    if (token === undefined || !this.#provides(token)) return this.#buildBackend(entry);
    const { value } = await resolveSource(
      { kind: 'existing', where: entry.where, token },
      this.injector,
    );
    return checkedBackend(value, entry.where);
  }

  #provides(token: InjectionToken): boolean {
    try {
      this.injector.get(token, { strict: true });
      return true;
    } catch {
      return false;
    }
  }

  #buildBackend(entry: TreeEntry): Promise<Backend> {
    let backend = this.#backends.get(entry);
    if (backend === undefined) {
      backend = entry.kind === 'node' ? this.#buildNode(entry) : this.#createBackend(entry.backend);
      backend.catch(() => {}); // no unhandled rejection if a caller starts to await it later
      this.#backends.set(entry, backend);
    }
    return backend;
  }

  async #buildNode(node: NodeEntry): Promise<RoutingBackend> {
    const processors = await Promise.all(
      node.processors.map((source) => this.#createProcessor(source)),
    );
    const backends = await Promise.all(
      [...node.children].map(
        async ([name, entry]) => [name, await this.#buildChild(entry)] as const,
      ),
    );
    const options = { processors, backends: new Map(backends) };
    if (node.queue === undefined) return new RoutingBackend(options);
    const asynchronous = new AsyncRoutingBackend({
      ...options,
      queue: await this.#queueFrom(node.queue),
      worker: this.#isWorker,
    });
    this.#deliveries.push(asynchronous);
    return asynchronous;
  }

  #queueFrom(source: ObjectSource): Promise<EventQueue> {
    let queue = this.#queues.get(source);
    if (queue === undefined) {
      queue = this.#createQueue(source);
      this.#queues.set(source, queue);
    }
    return queue;
  }

  async #createQueue(source: ObjectSource): Promise<EventQueue> {
    const { value, owned } = await resolveSource(source, this.injector);
    if (!isEventQueue(value)) {
      throw new ImproperlyConfigured(
        `${source.where} must be an event queue with a method open(consumer); ` +
          `received ${describeValue(value)}.`,
      );
    }
    if (owned) this.#owned.add(value);
    return value;
  }

  async #buildChild(entry: TreeEntry): Promise<Backend> {
    const backend = await this.#resolveBackend(entry);
    return entry.kind === 'node' ? backend : this.#addDelivery(entry, backend);
  }

  async #addDelivery({ delivery, nearestQueue }: LeafEntry, backend: Backend): Promise<Backend> {
    if (delivery === false) return backend;
    const isNeeded =
      delivery !== undefined || nearestQueue !== undefined || backend.sendBatch !== undefined;
    if (!isNeeded) return backend;
    const deadLetter = await this.#buildDeadLetter(delivery?.deadLetter, nearestQueue);
    const delivering = new DeliveringBackend(backend, { ...delivery?.options, deadLetter });
    this.#deliveries.push(delivering);
    return delivering;
  }

  async #buildDeadLetter(
    configured: LeafEntry | undefined,
    nearestQueue: ObjectSource | undefined,
  ): Promise<Backend | undefined> {
    if (configured !== undefined) return this.#buildChild(configured);
    if (nearestQueue === undefined) return undefined;
    const { deadLetters } = await this.#queueFrom(nearestQueue);
    if (deadLetters === undefined) return undefined;
    const delivering = new DeliveringBackend(deadLetters);
    this.#deliveries.push(delivering);
    return delivering;
  }

  async #createProcessor(source: ObjectSource): Promise<Processor> {
    const { value } = await resolveSource(source, this.injector);
    return toStep(value, source.where).processor;
  }

  async #createBackend(source: ObjectSource): Promise<Backend> {
    const { value, owned } = await resolveSource(source, this.injector);
    const backend = checkedBackend(value, source.where);
    if (owned) this.#owned.add(backend);
    return backend;
  }

  async #createLocator(): Promise<ContextLocator | undefined> {
    const source = this.blueprint.contextLocator;
    return source === undefined
      ? undefined
      : ((await resolveSource(source, this.injector)).value as ContextLocator);
  }
}

function tokensOf(blueprint: Blueprint): Map<TreeEntry, InjectionToken> {
  return new Map(
    [...blueprint.trackers].flatMap(([tracker, root]) =>
      pathsOf(root).map((path) => [entryAt(root, path)!, getBackendToken(path, tracker)]),
    ),
  );
}

function checkedBackend(value: unknown, where: string): Backend {
  if (isBackend(value)) return value;
  throw new ImproperlyConfigured(
    `${where} must be a backend with a method send(event); received ${describeValue(value)}.`,
  );
}
