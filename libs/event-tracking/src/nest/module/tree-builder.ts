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
  hasQueue,
  partAt,
  pathsOf,
  type BackendPart,
  type Blueprint,
  type LeafPart,
  type NodePart,
  type Part,
} from '../config/blueprint.js';
import { resolvePart } from './part-resolver.js';
import { getBackendToken } from '../tokens.js';
import { isWorkerBootstrap } from './worker-bootstrap.js';

/** What may have something to let go of. */
export type Closable = Pick<Backend, 'close'>;

/** What holds events, and can be ended without closing what they go to. */
export interface Ending {
  end(options: Deadline): Promise<void>;
  /** Called when all have ended, for what the end of others has left to do. */
  release?(): Promise<void>;
}

/** Builds the trees of a configuration, each part once, and gives them to the application's trackers. */
export class TreeBuilder {
  readonly #made = new Map<BackendPart, Promise<Backend>>();
  readonly #queues = new Map<Part, Promise<EventQueue>>();
  readonly #owned = new Set<Closable>();
  readonly #deliveries: Ending[] = [];
  readonly #tokens: ReadonlyMap<BackendPart, InjectionToken>;

  constructor(
    readonly blueprint: Blueprint,
    readonly application: EventTrackingApplication,
    private readonly injector: ModuleRef,
  ) {
    this.#tokens = tokensOf(blueprint);
  }

  /** The backends and queues that this module made, and so has to close. */
  get owned(): ReadonlySet<Closable> {
    return this.#owned;
  }

  /** What holds events for others; that which comes later on an event's way stands before what comes earlier. */
  get deliveries(): readonly Ending[] {
    return this.#deliveries;
  }

  /**
   * The backend at a path of a tracker's tree; one that does nothing where event tracking is disabled.
   *
   * @throws {@link UnknownBackendError} when the configuration has none there
   */
  backend(tracker: string, path: string): Promise<Backend> {
    if (!this.#enabled) return Promise.resolve(NO_BACKEND);
    const root = this.blueprint.trackers.get(tracker);
    const part = root === undefined ? undefined : partAt(root, path);
    if (part === undefined) {
      const known = root === undefined ? [] : pathsOf(root);
      throw new UnknownBackendError(
        `The tracker '${tracker}' has no backend '${path}' that could be injected. ` +
          `It has: ${known.length === 0 ? 'none' : known.join(', ')}.`,
      );
    }
    return this.#backendOf(part);
  }

  /** Builds all trees and attaches them. */
  async assemble(): Promise<void> {
    const { application, blueprint } = this;
    application.enabled = this.#enabled;
    application.register(blueprint.options.eventTypes ?? []);
    if (!this.#enabled) {
      for (const name of blueprint.trackers.keys()) application.detached(name);
      for (const detached of application.trackers.values()) detached.disable();
      return;
    }
    this.#warnOfIdleWorker();
    const { maxEventSize, strict } = blueprint.options;
    const contextLocator = await this.#locator();
    if (contextLocator !== undefined) application.locator = contextLocator;
    const roots = await Promise.all(
      [...blueprint.trackers].map(
        async ([name, part]) => [name, await this.#rootOf(part)] as const,
      ),
    );
    for (const [name, root] of roots) {
      application.detached(name).attach(root, { contextLocator, maxEventSize, strict });
    }
  }

  get #isWorker(): boolean {
    return this.blueprint.options.worker === true || isWorkerBootstrap();
  }

  #warnOfIdleWorker(): void {
    if (!this.#isWorker || [...this.blueprint.trackers.values()].some(hasQueue)) return;
    new Logger('EventTracking').warn(
      `This process is a worker, which takes events out of queues, and no node of the tree has a queue: it has nothing to ` +
        `do. Give a node a queue that workers share, such as bullMqQueue(), or leave out worker.`,
    );
  }

  get #enabled(): boolean {
    return this.blueprint.options.enabled !== false;
  }

  /** The backend as others have it injected, which in a test may be another than the one that was configured. */
  async #injectedOf(part: BackendPart): Promise<Backend> {
    const token = this.#tokens.get(part);
    if (token === undefined || !this.#provides(token)) return this.#backendOf(part);
    const { value } = await resolvePart(
      { kind: 'existing', where: part.where, token },
      this.injector,
    );
    return checkedBackend(value, part.where);
  }

  #provides(token: InjectionToken): boolean {
    try {
      this.injector.get(token, { strict: true });
      return true;
    } catch {
      return false;
    }
  }

  #backendOf(part: BackendPart): Promise<Backend> {
    let made = this.#made.get(part);
    if (made === undefined) {
      made = part.kind === 'node' ? this.#rootOf(part) : this.#leafOf(part.backend);
      made.catch(() => {}); // whoever asked for it is told; that nobody did yet is no fault
      this.#made.set(part, made);
    }
    return made;
  }

  async #rootOf(node: NodePart): Promise<RoutingBackend> {
    const processors = await Promise.all(node.processors.map((part) => this.#processorOf(part)));
    const backends = await Promise.all(
      [...node.children].map(async ([name, part]) => [name, await this.#childOf(part)] as const),
    );
    const parts = { processors, backends: new Map(backends) };
    if (node.queue === undefined) return new RoutingBackend(parts);
    const asynchronous = new AsyncRoutingBackend({
      ...parts,
      queue: await this.#queueOf(node.queue),
      worker: this.#isWorker,
    });
    this.#deliveries.push(asynchronous);
    return asynchronous;
  }

  #queueOf(part: Part): Promise<EventQueue> {
    let made = this.#queues.get(part);
    if (made === undefined) {
      made = this.#makeQueue(part);
      this.#queues.set(part, made);
    }
    return made;
  }

  async #makeQueue(part: Part): Promise<EventQueue> {
    const { value, owned } = await resolvePart(part, this.injector);
    if (!isEventQueue(value)) {
      throw new ImproperlyConfigured(
        `${part.where}: expected an event queue with a method open(line), received ${describeValue(value)}.`,
      );
    }
    if (owned) this.#owned.add(value);
    return value;
  }

  async #childOf(part: BackendPart): Promise<Backend> {
    const backend = await this.#injectedOf(part);
    return part.kind === 'node' ? backend : this.#deliver(part, backend);
  }

  /** Puts delivery before a backend that asks for it, stands behind a queue, or is faster in batches. */
  async #deliver({ delivery, behind }: LeafPart, backend: Backend): Promise<Backend> {
    if (delivery === false) return backend;
    const isWanted =
      delivery !== undefined || behind !== undefined || backend.sendBatch !== undefined;
    if (!isWanted) return backend;
    const deadLetter = await this.#deadLettersOf(delivery?.deadLetter, behind);
    const delivering = new DeliveringBackend(backend, { ...delivery?.options, deadLetter });
    this.#deliveries.push(delivering);
    return delivering;
  }

  /** Where a leaf's dead letters go: to its own place, or to that of the queue which it is behind. */
  async #deadLettersOf(
    own: LeafPart | undefined,
    behind: Part | undefined,
  ): Promise<Backend | undefined> {
    if (own !== undefined) return this.#childOf(own);
    const kept = behind === undefined ? undefined : (await this.#queueOf(behind)).deadLetters;
    if (kept === undefined) return undefined;
    const delivering = new DeliveringBackend(kept);
    this.#deliveries.push(delivering);
    return delivering;
  }

  async #processorOf(part: Part): Promise<Processor> {
    const { value } = await resolvePart(part, this.injector);
    return toStep(value, part.where).processor;
  }

  async #leafOf(part: Part): Promise<Backend> {
    const { value, owned } = await resolvePart(part, this.injector);
    const backend = checkedBackend(value, part.where);
    if (owned) this.#owned.add(backend);
    return backend;
  }

  async #locator(): Promise<ContextLocator | undefined> {
    const part = this.blueprint.contextLocator;
    return part === undefined
      ? undefined
      : ((await resolvePart(part, this.injector)).value as ContextLocator);
  }
}

function tokensOf(blueprint: Blueprint): Map<BackendPart, InjectionToken> {
  return new Map(
    [...blueprint.trackers].flatMap(([tracker, root]) =>
      pathsOf(root).map((path) => [partAt(root, path)!, getBackendToken(path, tracker)]),
    ),
  );
}

function checkedBackend(value: unknown, where: string): Backend {
  if (isBackend(value)) return value;
  throw new ImproperlyConfigured(
    `${where}: expected a backend with a method send(event), received ${describeValue(value)}.`,
  );
}
