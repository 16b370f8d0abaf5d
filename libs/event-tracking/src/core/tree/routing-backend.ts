import { EventCounters, type EventStats } from './event-stats.js';
import { isBackend, type Backend, type Backends, type Deadline } from './backend.js';
import { checkOptions } from '../diagnostics/check-options.js';
import { describeError, describeValue } from '../diagnostics/describe.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import {
  EventEmissionExit,
  ImproperlyConfigured,
  NoBackendEnabled,
  NoTransformerImplemented,
} from '../diagnostics/errors.js';
import { isPlainObject, nameOf, type TrackingEvent } from '../event/event.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import type { ConsumeOptions, QueuedEvent } from './event-queue.js';
import { isThenable } from './is-thenable.js';
import { compareCodePoints } from './compare-code-points.js';
import { ProcessorChain, type Processed } from './processor-chain.js';
import { isClassOf, type Processor } from './processor.js';
import { copyOf, measuredCopyOf } from '../event/snapshot.js';
import {
  ADOPT,
  BEHIND_QUEUE,
  DELIVER,
  DELIVER_AT,
  isTreePart,
  PASS_ON,
  PASS_ON_LATER,
  ROUTE,
  SHOWN,
  type Place,
  type TreePart,
} from './tree-node.js';
import { untilAborted } from './until-aborted.js';

/** What a routing backend is made of. */
export interface RoutingBackendOptions {
  /**
   * The children by name; they are called in code-point order of their names.
   *
   * @default none
   */
  backends?: Backends;
  /**
   * The steps each event takes before the children get it, in order.
   *
   * @default none
   */
  processors?: Iterable<Processor>;
}

interface Child {
  readonly name: string;
  readonly backend: Backend;
  /** The backend as a part of the tree, which keeps account of what it is given. */
  readonly part: TreePart | undefined;
  readonly account: EventCounters;
  /** Sends that have not settled. */
  readonly pending: Set<Promise<void>>;
}

/**
 * Runs events through processors and hands them to its children; itself a backend, so that trees of any depth grow.
 *
 * @remarks
 * - Processors run in order, `c(b(a(event)))`. One that returns nothing keeps the event, one that throws
 *   {@link EventEmissionExit} drops it for all children, one that fails otherwise is logged and passed over.
 *   A filter that fails drops the event.
 * - Each child gets a copy of its own. One that fails is logged with the event's name and its path; the others are
 *   still called.
 * - `send` never throws.
 */
export class RoutingBackend implements Backend {
  readonly #chain = new ProcessorChain(() => this.#place);
  #children: readonly Child[] = [];
  readonly #own = new EventCounters();
  /** What was registered, for children that come later. */
  #records: readonly MetadataRecord[] = [];
  /** What is called in the place of a destination, behind a queue. */
  #delivering: ((destination: Backend) => Backend) | undefined;
  #place: Place = { tracker: 'default', path: '', diagnostics: new Diagnostics(), stands: false };

  /** @throws {@link ImproperlyConfigured} for what is no backend, what is no processor, and names that hold a dot */
  constructor(options: RoutingBackendOptions = {}) {
    checkOptions(options, 'RoutingBackend', { backends: true, processors: true });
    for (const processor of listOf(options.processors ?? [])) this.registerProcessor(processor);
    this.registerBackends(options.backends ?? {});
  }

  /** The children by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return new Map(this.#children.map(({ name, backend }) => [name, shownOf(backend)]));
  }

  /** The processors, in the order in which they run. */
  get processors(): readonly Processor[] {
    return this.#chain.processors;
  }

  /**
   * Adds a child, which is called after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the name is taken or holds a dot, or the value has no method `send`
   */
  registerBackend(name: string, backend: Backend): void {
    const where = `backends.${this.#pathOf(String(name))}`;
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      throw new ImproperlyConfigured(
        `${where}: a backend's name is a string without dots (dots separate the names in a path), ` +
          `received ${describeValue(name)}. Rename it, for example to '${String(name).replaceAll('.', '_')}'.`,
      );
    }
    if (this.#children.some((child) => child.name === name)) {
      throw new ImproperlyConfigured(
        `${where}: a backend of this name is registered already. Choose another name for the second one.`,
      );
    }
    if (!isBackend(backend)) {
      const mend = isClassOf(backend, ['send'])
        ? `Pass an instance: new ${(backend as { name: string }).name}(…).`
        : `A backend is an object with a method send(event).`;
      throw new ImproperlyConfigured(
        `${where}: expected a backend, received ${describeValue(backend)}. ${mend}`,
      );
    }
    const child = this.#childOf(name, backend);
    this.#children = [...this.#children, child];
    for (const record of this.#records) this.#registerWith(child, record).catch(() => {}); // reported
  }

  /** Adds children in the order in which they are to be called. */
  protected registerBackends(backends: Backends): void {
    const entries = entriesOf(backends);
    for (const [name, backend] of entries.sort(([a], [b]) =>
      compareCodePoints(String(a), String(b)),
    )) {
      this.registerBackend(name, backend);
    }
  }

  /**
   * Adds a processor, which runs after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the value is no processor
   */
  registerProcessor(processor: Processor): void {
    this.#chain.add(processor);
  }

  /** Processes a copy of the event and sends it to all children. */
  send(event: TrackingEvent): void {
    this[ROUTE](copyOf(event));
  }

  /**
   * Runs a copy of the event through all processors and returns what comes out.
   *
   * @throws {@link EventEmissionExit} when a processor drops it
   */
  processEvent(event: TrackingEvent): TrackingEvent {
    const processed = this.#chain.run(copyOf(event));
    if (typeof processed === 'string') {
      throw new EventEmissionExit(`The event '${nameOf(event)}' was dropped by a processor.`);
    }
    return processed;
  }

  /** Sends a copy of the event to all children, past the processors. */
  sendToBackends(event: TrackingEvent): void {
    this[PASS_ON](copyOf(event));
  }

  /** Gives a metadata record to all children that keep such; rejects when one has not taken it, which is reported. */
  async register(record: MetadataRecord): Promise<void> {
    this.#records = [...this.#records.filter(({ id }) => id !== record.id), record];
    const all = this.#children.map((child) => this.#registerWith(child, record));
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  /** What became of the events at this node and below it, by path; this node's own path comes first. */
  stats(): Record<string, EventStats> {
    const accounts: Record<string, EventStats> = { [this.#place.path]: this.#own.read() };
    for (const { name, backend, part, account } of this.#children) {
      if (isTreePart(backend)) Object.assign(accounts, backend.stats());
      if (part === undefined) accounts[this.#pathOf(name)] = account.read();
    }
    return accounts;
  }

  /** Resolves when all children have delivered what was sent to them, or the signal aborts; never rejects. */
  async flush(options: Deadline = {}): Promise<void> {
    await Promise.all(this.#children.map((child) => this.#settle(child, 'flush', options)));
  }

  /** Flushes and closes all children; never rejects. */
  async close(options: Deadline = {}): Promise<void> {
    await this.flush(options);
    await Promise.all(this.#children.map((child) => this.#settle(child, 'close', options)));
  }

  /** @internal */
  [ROUTE](event: TrackingEvent, size?: number): void {
    const account = this.#own;
    account.arrived++;
    try {
      const processed = this.#chain.run(event);
      if (!this.#bookDrop(processed)) {
        if (this.#chain.changesEvents) this.#passOnCopy(processed);
        else this[PASS_ON](processed, size);
        account.delivered++;
      }
    } catch {
      // The stack is exhausted: not even a call can be counted on.
      account.dropped.internal_error = (account.dropped.internal_error ?? 0) + 1;
    }
  }

  /** What processors put into an event may live on elsewhere, and an asynchronous one may still be at work on it. */
  #passOnCopy(event: TrackingEvent): void {
    const { copy, size } = measuredCopyOf(event);
    this[PASS_ON](copy, size);
  }

  /** @internal */
  async [DELIVER](event: TrackingEvent, options: ConsumeOptions): Promise<readonly QueuedEvent[]> {
    const account = this.#own;
    account.arrived++;
    account.pending++;
    const processed = await this.#chain.runLater(event);
    account.pending--;
    if (this.#bookDrop(processed)) return [];
    account.delivered++;
    return this[PASS_ON_LATER](processed, options);
  }

  /** @internal Gives an event to the children. */
  [PASS_ON](event: TrackingEvent, size?: number): void {
    const children = this.#children;
    const last = children.length - 1;
    for (let index = 0; index <= last; index++) {
      const child = children[index]!;
      const own = index === last ? event : copyOf(event);
      if (child.part === undefined) void this.#deliver(child, own);
      else child.part[ROUTE](own, size);
    }
  }

  /** @internal Gives an event to the children behind a queue, and waits for what becomes of it. */
  async [PASS_ON_LATER](
    event: TrackingEvent,
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> {
    const ends = this.#children.map(async (child) => {
      const own = copyOf(event);
      if (child.part !== undefined) return child.part[DELIVER](own, options);
      await this.#deliver(child, own);
      return [];
    });
    return (await Promise.all(ends)).flat();
  }

  /** @internal */
  [DELIVER_AT](
    names: readonly string[],
    event: TrackingEvent,
    options: ConsumeOptions,
  ): Promise<readonly QueuedEvent[]> | undefined {
    const [name, ...further] = names;
    const child = this.#children.find((each) => each.name === name);
    if (child === undefined) return undefined;
    if (further.length > 0) return child.part?.[DELIVER_AT]?.(further, event, options);
    if (child.part !== undefined) return child.part[DELIVER](event, options);
    return Promise.resolve(this.#deliver(child, event)).then(() => []);
  }

  /** @internal */
  get [SHOWN](): Backend {
    return this;
  }

  /** @internal */
  [ADOPT](place: Place): void {
    this.#place = place;
    for (const { name, backend } of this.#children) {
      if (isTreePart(backend)) backend[ADOPT]({ ...place, path: this.#pathOf(name) });
    }
  }

  /** @internal */
  [BEHIND_QUEUE](delivering: (destination: Backend) => Backend): void {
    this.#delivering = delivering;
    this.#children = this.#children.map(({ name, backend }) => this.#childOf(name, backend));
  }

  #childOf(name: string, given: Backend): Child {
    const delivering = this.#delivering;
    const backend = delivering === undefined || isTreePart(given) ? given : delivering(given);
    const account = new EventCounters();
    const pending = new Set<Promise<void>>();
    if (!isTreePart(backend)) return { name, backend, part: undefined, account, pending };
    backend[ADOPT]({ ...this.#place, path: this.#pathOf(name) });
    if (delivering !== undefined) backend[BEHIND_QUEUE]?.(delivering);
    return {
      name,
      backend,
      part: hasSendOfItsOwn(backend) ? undefined : backend,
      account,
      pending,
    };
  }

  /** Books an event that the processors let go no further. */
  #bookDrop(processed: Processed): processed is 'filtered' | 'filter_failed' {
    if (processed === 'filtered') this.#own.filtered++;
    else if (processed === 'filter_failed') this.#own.drop('filter_failed');
    else return false;
    return true;
  }

  #deliver(child: Child, event: TrackingEvent): Promise<void> | void {
    const { backend, account } = child;
    const name = nameOf(event);
    account.arrived++;
    try {
      const result: unknown = backend.send(event);
      if (isThenable(result)) return this.#await(child, name, result);
      account.delivered++;
    } catch (fault) {
      this.#settleFailure(child, name, fault);
    }
  }

  #await(child: Child, eventName: string, result: PromiseLike<unknown>): Promise<void> {
    const { account, pending } = child;
    account.pending++;
    const settled = Promise.resolve(result)
      .then(
        () => void account.delivered++,
        (fault: unknown) => this.#settleFailure(child, eventName, fault),
      )
      .finally(() => {
        account.pending--;
        pending.delete(settled);
      });
    pending.add(settled);
    return settled;
  }

  #settleFailure(child: Child, eventName: string, fault: unknown): void {
    if (fault instanceof NoTransformerImplemented || fault instanceof NoBackendEnabled) {
      child.account.filtered++;
      return;
    }
    child.account.drop('failed');
    const path = this.#pathOf(child.name);
    this.#place.diagnostics.error(
      `backend ${path}`,
      `Unable to send the event '${eventName}' to the backend '${path}': ${describeError(fault)}`,
    );
  }

  async #settle(child: Child, step: 'flush' | 'close', options: Deadline): Promise<void> {
    const { signal } = options;
    try {
      if (step === 'flush') await untilAborted(Promise.all(child.pending), signal);
      const settled = Promise.resolve(child.backend[step]?.(options));
      // A part of the tree keeps to the deadline itself, and books what it could not deliver.
      await (isTreePart(child.backend) ? settled : untilAborted(settled, signal));
    } catch (fault) {
      const path = this.#pathOf(child.name);
      this.#place.diagnostics.error(
        `${step} ${path}`,
        `Unable to ${step} the backend '${path}': ${describeError(fault)}`,
      );
    }
  }

  async #registerWith({ name, backend }: Child, record: MetadataRecord): Promise<void> {
    try {
      await backend.register?.(record);
    } catch (fault) {
      if (!isTreePart(backend)) this.#reportUnregistered(name, record, fault);
      throw fault;
    }
  }

  #reportUnregistered(name: string, record: MetadataRecord, fault: unknown): void {
    const path = this.#pathOf(name);
    this.#place.diagnostics.error(
      `register ${path}`,
      `Unable to register the ${record.kind} type '${record.name}' (${record.id}) with the backend '${path}': ` +
        `${describeError(fault)}`,
    );
  }

  #pathOf(name: string): string {
    const { path } = this.#place;
    return path === '' ? name : `${path}.${name}`;
  }
}

/** What a path that leads to the backend shows. */
function shownOf(backend: Backend): Backend {
  return isTreePart(backend) ? backend[SHOWN] : backend;
}

/** A subclass whose `send` does more would be passed by if events were given to {@link ROUTE}. */
function hasSendOfItsOwn(backend: TreePart): boolean {
  return backend instanceof RoutingBackend && backend.send !== RoutingBackend.prototype.send;
}

function entriesOf(backends: unknown): [string, Backend][] {
  if (backends instanceof Map) return [...(backends as Map<string, Backend>)];
  if (isPlainObject(backends) && !isBackend(backends))
    return Object.entries(backends as Record<string, Backend>);
  throw new ImproperlyConfigured(
    `backends: expected backends by name, as an object or a Map, received ${describeValue(backends)}. ` +
      `Pass for example { log: new LoggerBackend() }.`,
  );
}

function listOf(processors: unknown): Processor[] {
  if (typeof processors === 'object' && processors !== null && Symbol.iterator in processors) {
    return [...(processors as Iterable<Processor>)];
  }
  throw new ImproperlyConfigured(
    `processors: expected a list of processors, received ${describeValue(processors)}. ` +
      `Pass for example [new NameAllowlist(['course.enrolled'])].`,
  );
}
