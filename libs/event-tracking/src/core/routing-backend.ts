import { OpenAccount, type Account } from './account.js';
import { isBackend, type Backend, type Backends, type Deadline } from './backend.js';
import { describeError, describeValue } from './describe-error.js';
import { Diagnostics } from './diagnostics.js';
import {
  EventEmissionExit,
  ImproperlyConfigured,
  NoBackendEnabled,
  NoTransformerImplemented,
} from './errors.js';
import { isRecord, isTrackingEvent, nameOf, type TrackingEvent } from './event.js';
import { byCodePoint } from './order.js';
import { isClassOf, toStep, type ProcessingStep, type Processor } from './processor.js';
import { copyOf } from './snapshot.js';
import { ADOPT, isTreePart, ROUTE, SHOWN, type Place, type TreePart } from './tree-part.js';
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
  readonly account: OpenAccount;
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
  #steps: readonly ProcessingStep[] = [];
  /** Whether an event's size is unknown after the processors. */
  #changesEvents = false;
  #children: readonly Child[] = [];
  readonly #own = new OpenAccount();
  #place: Place = { tracker: 'default', path: '', diagnostics: new Diagnostics() };

  /** @throws {@link ImproperlyConfigured} for what is no backend, what is no processor, and names that hold a dot */
  constructor(options: RoutingBackendOptions = {}) {
    for (const processor of listOf(options.processors ?? [])) this.registerProcessor(processor);
    const entries = entriesOf(options.backends ?? {});
    for (const [name, backend] of entries.sort(([a], [b]) => byCodePoint(String(a), String(b)))) {
      this.registerBackend(name, backend);
    }
  }

  /** The children by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return new Map(this.#children.map(({ name, backend }) => [name, shownOf(backend)]));
  }

  /** The processors, in the order in which they run. */
  get processors(): readonly Processor[] {
    return this.#steps.map((step) => step.processor);
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
    if (isTreePart(backend)) backend[ADOPT]({ ...this.#place, path: this.#pathOf(name) });
    const part = isTreePart(backend) && !hasSendOfItsOwn(backend) ? backend : undefined;
    const account = new OpenAccount();
    this.#children = [...this.#children, { name, backend, part, account, pending: new Set() }];
  }

  /**
   * Adds a processor, which runs after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the value is no processor
   */
  registerProcessor(processor: Processor): void {
    const where = `${this.#place.path === '' ? '' : `backends.${this.#place.path}.`}processors[${this.#steps.length}]`;
    const step = toStep(processor, where);
    this.#steps = [...this.#steps, step];
    if (!step.isFilter) this.#changesEvents = true;
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
    const processed = this.#process(copyOf(event));
    if (typeof processed === 'string') {
      throw new EventEmissionExit(`The event '${nameOf(event)}' was dropped by a processor.`);
    }
    return processed;
  }

  /** Sends a copy of the event to all children, past the processors. */
  sendToBackends(event: TrackingEvent): void {
    this.#dispatch(copyOf(event));
  }

  /** What became of the events at this node and below it, by path; this node's own path comes first. */
  accounts(): Record<string, Account> {
    const accounts: Record<string, Account> = { [this.#place.path]: this.#own.read() };
    for (const { name, backend, part, account } of this.#children) {
      if (isTreePart(backend)) Object.assign(accounts, backend.accounts());
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
      const processed = this.#steps.length === 0 ? event : this.#process(event);
      if (processed === 'filtered') {
        account.filtered++;
      } else if (processed === 'unjudged') {
        account.drop('unjudged');
      } else {
        this.#dispatch(processed, this.#changesEvents ? undefined : size);
        account.delivered++;
      }
    } catch {
      // The stack is exhausted: not even a call can be counted on.
      account.dropped.fault = (account.dropped.fault ?? 0) + 1;
    }
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

  #process(event: TrackingEvent): TrackingEvent | 'filtered' | 'unjudged' {
    let current = event;
    for (const step of this.#steps) {
      try {
        const result = step.run(current);
        if (step.isFilter) {
          if (isPromise(result)) throw this.#asynchronous(result);
          if (!result) return 'filtered';
        } else if (result !== undefined && result !== null) {
          if (isPromise(result)) throw this.#asynchronous(result);
          if (!isTrackingEvent(result)) {
            throw new TypeError(`it returned ${describeValue(result)}, which is no event`);
          }
          current = result;
        }
      } catch (fault) {
        if (fault instanceof EventEmissionExit) return 'filtered';
        this.#reportStep(step, current, fault);
        if (step.isFilter) return 'unjudged';
      }
    }
    return current;
  }

  /** Where events flow synchronously nobody can wait for a processor; its rejection must still reach nobody. */
  #asynchronous(promise: PromiseLike<unknown>): TypeError {
    Promise.resolve(promise).catch(() => {});
    return new TypeError('it returned a promise, which only nodes behind a queue can wait for');
  }

  #dispatch(event: TrackingEvent, size?: number): void {
    const children = this.#children;
    const last = children.length - 1;
    for (let index = 0; index <= last; index++) {
      this.#deliver(children[index]!, index === last ? event : copyOf(event), size);
    }
  }

  #deliver(child: Child, event: TrackingEvent, size: number | undefined): void {
    const { backend, part, account } = child;
    if (part !== undefined) {
      part[ROUTE](event, size);
      return;
    }
    const name = nameOf(event);
    account.arrived++;
    try {
      const result: unknown = backend.send(event);
      if (isPromise(result)) this.#await(child, name, result);
      else account.delivered++;
    } catch (fault) {
      this.#settleFailure(child, name, fault);
    }
  }

  #await(child: Child, eventName: string, result: PromiseLike<unknown>): void {
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

  #reportStep(step: ProcessingStep, event: TrackingEvent, fault: unknown): void {
    const { path } = this.#place;
    const node = path === '' ? 'the root' : `'${path}'`;
    const consequence = step.isFilter ? 'The event is dropped' : 'The event goes on without it';
    this.#place.diagnostics.error(
      `processor ${step.name} of ${node}`,
      `The processor ${step.name} of ${node} failed for the event '${nameOf(event)}': ` +
        `${describeError(fault)}. ${consequence}.`,
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
  if (isRecord(backends) && !isBackend(backends))
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

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
