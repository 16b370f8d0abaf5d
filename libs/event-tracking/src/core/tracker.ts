import { OpenAccount, type Account } from './account.js';
import type { Backend, Backends, Deadline } from './backend.js';
import type { ContextLocator } from './context-locator.js';
import type { ContextStack, EnteredContext, MeasuredContext } from './context-stack.js';
import { DefaultContextLocator } from './default-context-locator.js';
import { describeError, describeValue, quoteName } from './describe-error.js';
import { Diagnostics, type DiagnosticLogger } from './diagnostics.js';
import { ImproperlyConfigured, UnknownBackendError } from './errors.js';
import { isRecord, type EventContext, type EventData, type TrackingEvent } from './event.js';
import { createEventId } from './event-id.js';
import { EVENT_OVERHEAD } from './event-size.js';
import { HeldEvents } from './held-events.js';
import type { Processor } from './processor.js';
import { RoutingBackend } from './routing-backend.js';
import { snapshot } from './snapshot.js';
import { ADOPT, isTreePart, ROUTE } from './tree-part.js';

/** What a tracker is made of. */
export interface TrackerOptions {
  /**
   * The destinations by name, called in code-point order of their names.
   *
   * @default none
   */
  backends?: Backends;
  /**
   * The steps that each event takes before any backend gets it.
   *
   * @default none
   */
  processors?: Iterable<Processor>;
  /**
   * Finds the contexts of the running code.
   *
   * @default a {@link DefaultContextLocator} of its own
   */
  contextLocator?: ContextLocator;
  /**
   * The size in bytes of an event's data, estimated, beyond which a warning is logged. The event is delivered.
   *
   * @default 1 MiB
   */
  maxEventSize?: number;
  /**
   * The tracker's name in messages, and the one that contexts can be limited to.
   *
   * @default 'default'
   */
  name?: string;
  /**
   * Where the tracker says what went wrong.
   *
   * @default the console
   */
  logger?: DiagnosticLogger;
}

/** What became of a tracker's events. */
export interface TrackerAccount extends Account {
  /** By path of the routing nodes (the root's is empty) and backends. */
  readonly backends: Readonly<Record<string, Account>>;
}

/** An event's data with their estimated size in bytes. */
interface MeasuredData {
  readonly values: EventData;
  readonly size: number;
}

const DEFAULT_MAX_EVENT_SIZE = 1024 * 1024;
const DEFAULT_NAME = 'unknown';
/** How often delivering one event may emit another before it is taken for a circle. */
const MAX_NESTED_EMITS = 8;
const ONCE_A_MINUTE = { burst: 1 };

/** How a {@link DetachedTracker} is made. */
export type DetachedTrackerOptions = Omit<
  TrackerOptions,
  'backends' | 'processors' | 'maxEventSize'
>;

/** What a {@link DetachedTracker} learns with its tree. */
export type AttachOptions = Pick<TrackerOptions, 'contextLocator' | 'maxEventSize'>;

/**
 * A tracker whose tree comes later, so that what the tree depends on may depend on the tracker.
 *
 * @remarks Events that are emitted before are held, bounded, and delivered when the tree is attached.
 */
export interface DetachedTracker {
  readonly tracker: Tracker;
  readonly diagnostics: Diagnostics;
  /**
   * Gives the tracker its tree.
   *
   * @throws {@link ImproperlyConfigured} for what is no locator and no size
   */
  attach(root: RoutingBackend, options?: AttachOptions): void;
  /** Makes the tracker one that does nothing; what it held is forgotten. */
  disable(): void;
  /** Ends the tracker without closing its backends: what is emitted from now on is dropped as `closed`. */
  refuse(): void;
}

let detach: (options: DetachedTrackerOptions) => DetachedTracker;

/** Makes a tracker whose tree is attached later. */
export function createDetachedTracker(options: DetachedTrackerOptions): DetachedTracker {
  return detach(options);
}

/**
 * What code emits events through; it owns a context locator and the root of a tree of backends.
 *
 * @example
 * ```ts
 * const tracker = new Tracker({ backends: { log: new LoggerBackend() } });
 * tracker.context('request', { user_id: 7 }, () => {
 *   tracker.emit('course.enrolled', { course_id: 'DemoX' });
 * });
 * ```
 */
export class Tracker {
  /** The tracker's name, `default` unless said. */
  readonly name: string;
  #locator: ContextLocator;
  readonly #diagnostics: Diagnostics;
  #maxEventSize: number;
  readonly #account = new OpenAccount();
  #root: RoutingBackend | undefined;
  #held: HeldEvents | undefined;
  #state: 'open' | 'disabled' | 'closed' = 'open';
  #nested = 0;
  #closing: Promise<void> | undefined;

  /** @throws {@link ImproperlyConfigured} for what is no backend, no processor, no locator or no size */
  constructor(options: TrackerOptions = {}) {
    this.name = options.name ?? 'default';
    this.#diagnostics = new Diagnostics(options.logger);
    this.#locator = checkedLocator(options.contextLocator ?? new DefaultContextLocator());
    this.#maxEventSize = checkedSize(options.maxEventSize ?? DEFAULT_MAX_EVENT_SIZE);
    this.#attach(new RoutingBackend(options));
  }

  /**
   * Reports that something happened, with the contexts that are entered here and now.
   *
   * @remarks Synchronous; never throws, whatever is passed and whatever processors and backends do.
   * @param name - what happened, in dot notation; what is no string is written as one. `unknown` when left out
   * @param data - an object of keys and values, copied as it is now; anything else becomes `{ value }`
   */
  emit(name?: string, data?: object): void;
  emit(name?: unknown, data?: unknown): void {
    if (this.#state === 'disabled') return;
    try {
      this.#account.arrived++;
      if (this.#state === 'closed') {
        this.#drop('closed', name, 'the tracker is closed');
      } else if (this.#nested >= MAX_NESTED_EMITS) {
        this.#drop('recursion', name, 'delivering events emits events in a circle');
      } else {
        this.#create(name, data);
      }
    } catch (fault) {
      // Counted without a call: where the stack is exhausted, the count is all that can be said.
      const { dropped } = this.#account;
      dropped.fault = (dropped.fault ?? 0) + 1;
      try {
        this.#reportDrop(name, describeError(fault));
      } catch {
        // As above.
      }
    }
  }

  /**
   * Runs a function inside a context and returns what it returns, promise or not.
   *
   * @remarks
   * The block ends for its caller when the promise settles; work that the function started and nobody awaited keeps
   * the context. A context of the same name around the block is shadowed inside it and there again after it.
   * @throws {@link InvalidContextError} when the context is no object; and whatever the function throws
   */
  context<T>(name: string, context: object, fn: () => T): T;
  context<T>(context: object, fn: () => T): T;
  context<T>(...args: [string, object, () => T] | [object, () => T]): T {
    const [name, context, fn] = args.length === 2 ? [undefined, ...args] : args;
    if (typeof fn !== 'function') {
      throw new TypeError(
        `tracker.context(name, values, callback) runs a callback, received ${describeValue(fn)}. ` +
          `To enter a context without a block, call enterContext(name, values).`,
      );
    }
    if (this.#state === 'disabled') return fn();
    return this.#locator.run('block', () => {
      this.#enter(this.#locator.get(), name, context);
      return fn();
    });
  }

  /**
   * Enters a context in the innermost scope, for all code that runs in it, until it is exited or the scope ends.
   *
   * @returns a handle that leaves the context by itself: `using entered = tracker.enterContext(…)`
   * @throws {@link InvalidContextError} when the context is no object
   */
  enterContext(name: string, context: object): EnteredContext {
    if (this.#state === 'disabled') return { conversions: [], [Symbol.dispose]() {} };
    return this.#enter(this.#locator.get(), name, context);
  }

  /**
   * Leaves the context of this name that the innermost scope holds.
   *
   * @throws {@link UnknownContextError} when none is entered, or it belongs to the process and the code to a request
   */
  exitContext(name: string): void {
    if (this.#state !== 'disabled') this.#locator.get().exit(name);
  }

  /** All contexts that an event emitted here would carry, merged into a fresh object. */
  resolveContext(): EventContext {
    return this.#state === 'disabled' ? {} : this.#locator.get().resolve(this.name);
  }

  /** The stack of contexts that belongs to the running code. */
  get locatedContext(): ContextStack {
    return this.#locator.get();
  }

  /** What finds the contexts of the running code. */
  get contextLocator(): ContextLocator {
    return this.#locator;
  }

  /** The backends of the first level by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return this.#root?.backends ?? new Map();
  }

  /** The processors of the first level, in order. */
  get processors(): readonly Processor[] {
    return this.#root?.processors ?? [];
  }

  /**
   * Finds a backend of the tree by its path, `warehouse.mongo`.
   *
   * @throws {@link UnknownBackendError} when the tree has none there
   */
  getBackend(path: string): Backend {
    const found = this.#find(path);
    if (found !== undefined) return found;
    // Queues and dead letters have accounts, and are no backends of the tree.
    const paths = Object.keys(this.#root?.accounts() ?? {});
    const known = paths.filter((each) => each !== '' && this.#find(each) !== undefined);
    throw new UnknownBackendError(
      `The tracker '${this.name}' has no backend ${quoteName(path)}. ` +
        `It has: ${known.length === 0 ? 'none' : known.join(', ')}. Names of nested backends are joined by dots.`,
    );
  }

  /**
   * Adds a backend to the first level; it is called after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the name is taken or the value is no backend
   */
  registerBackend(name: string, backend: Backend): void {
    this.#standingRoot().registerBackend(name, backend);
  }

  /**
   * Adds a processor to the first level; it runs after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the value is no processor
   */
  registerProcessor(processor: Processor): void {
    this.#standingRoot().registerProcessor(processor);
  }

  /** What became of the events emitted so far, in all and at each node and backend of the tree. */
  account(): TrackerAccount {
    const held = this.#held?.size ?? 0;
    const own = this.#account.read();
    return { ...own, pending: own.pending + held, backends: this.#root?.accounts() ?? {} };
  }

  /** Resolves when everything emitted so far has been delivered or given up, or the signal aborts; never rejects. */
  async flush(options: Deadline = {}): Promise<void> {
    await this.#root?.flush(options);
    this.#diagnostics.settle();
  }

  /**
   * Flushes, closes all backends and refuses further events, which are counted as dropped with the reason `closed`.
   *
   * @remarks Never rejects; closing again does nothing but wait for the end of the first time.
   */
  async close(options: Deadline = {}): Promise<void> {
    if (this.#state === 'open') this.#closing ??= this.#close(options);
    await this.#closing;
  }

  static {
    detach = (options) => {
      const tracker = new Tracker(options);
      tracker.#root = undefined;
      tracker.#held = new HeldEvents();
      return {
        tracker,
        diagnostics: tracker.#diagnostics,
        attach(root, { contextLocator, maxEventSize } = {}) {
          if (contextLocator !== undefined) tracker.#locator = checkedLocator(contextLocator);
          if (maxEventSize !== undefined) tracker.#maxEventSize = checkedSize(maxEventSize);
          tracker.#attach(root);
        },
        disable() {
          tracker.#state = 'disabled';
          tracker.#held = undefined;
        },
        refuse() {
          if (tracker.#state === 'open') tracker.#refuse();
        },
      };
    };
  }

  #find(path: string): Backend | undefined {
    let node: Backend | undefined = this.#root;
    for (const name of String(path).split('.')) {
      node = isTreePart(node) ? node.backends?.get(name) : undefined;
    }
    return node;
  }

  #create(name: unknown, data: unknown): void {
    const now = Date.now();
    const eventName = typeof name === 'string' && name !== '' ? name : this.#nameOf(name);
    const context = this.#contextFor(eventName);
    const body = this.#dataOf(eventName, data);
    const event: TrackingEvent = {
      id: createEventId(now),
      name: eventName,
      timestamp: new Date(now),
      context: context.values,
      data: body.values,
    };
    this.#route(event, EVENT_OVERHEAD + eventName.length + context.size + body.size);
  }

  #nameOf(name: unknown): string {
    if (name === undefined || name === null || name === '') return DEFAULT_NAME;
    let written: string;
    try {
      written = String(name);
    } catch {
      written = DEFAULT_NAME;
    }
    this.#diagnostics.warn(
      'names that are no strings',
      `An event's name is a string, received ${describeValue(name)}: the event is named '${written}'.`,
      ONCE_A_MINUTE,
    );
    return written;
  }

  #dataOf(name: string, data: unknown): MeasuredData {
    if (data === undefined || data === null) return { values: {}, size: 0 };
    const { value, conversions, size } = snapshot(data);
    if (conversions.length > 0) this.#reportConversions(name, 'data', conversions);
    if (size > this.#maxEventSize) this.#reportSize(name, size);
    if (isRecord(value) && !(value instanceof Date)) return { values: value, size };
    this.#diagnostics.warn(
      `data of '${name}' that is no object`,
      `The data of the event '${name}' is an object, received ${describeValue(data)}: it is delivered as { value }.`,
      ONCE_A_MINUTE,
    );
    return { values: { value: value ?? null }, size };
  }

  #contextFor(name: string): MeasuredContext {
    try {
      return this.#locator.get().measure(this.name);
    } catch (fault) {
      this.#diagnostics.error(
        'the context locator',
        `The context of the event '${name}' could not be found: ${describeError(fault)}. It is delivered without.`,
      );
      return { values: {}, size: 0 };
    }
  }

  #route(event: TrackingEvent, size?: number): void {
    if (this.#root === undefined) {
      if (this.#held?.hold(event) === true) return;
      this.#drop(
        'held',
        event.name,
        `${this.#held?.capacity} events wait for the backends to be ready`,
      );
      return;
    }
    this.#nested++;
    try {
      this.#root[ROUTE](event, size);
      this.#account.delivered++;
    } finally {
      this.#nested--;
    }
  }

  #attach(root: RoutingBackend): void {
    root[ADOPT]({
      tracker: this.name,
      path: '',
      diagnostics: this.#diagnostics,
      stands: true,
    });
    this.#root = root;
    const held = this.#held?.release() ?? [];
    this.#held = undefined;
    for (const event of held) this.#route(event);
  }

  async #close(options: Deadline): Promise<void> {
    await this.flush(options);
    this.#refuse();
    await this.#root?.close(options);
    this.#diagnostics.settle();
  }

  #refuse(): void {
    this.#state = 'closed';
    for (const { name } of this.#held?.release() ?? []) {
      this.#drop('closed', name, 'the tracker was closed before its backends were ready');
    }
  }

  #enter(stack: ContextStack, name: string | undefined, context: object): EnteredContext {
    const entered = stack.enter(name, context);
    if (entered.conversions.length > 0) {
      this.#reportConversions(name ?? 'without a name', 'context', entered.conversions);
    }
    return entered;
  }

  #standingRoot(): RoutingBackend {
    if (this.#root === undefined) {
      throw new ImproperlyConfigured(
        `The backends of the tracker '${this.name}' are still being made. Register further ones in onModuleInit or later.`,
      );
    }
    return this.#root;
  }

  #drop(reason: 'closed' | 'held' | 'recursion', name: unknown, why: string): void {
    this.#account.drop(reason);
    this.#reportDrop(name, why);
  }

  #reportDrop(name: unknown, why: string): void {
    this.#diagnostics.error(
      `drops of the tracker '${this.name}'`,
      `The event ${quoteName(name)} was dropped: ${why}.`,
    );
  }

  #reportConversions(name: string, what: 'data' | 'context', conversions: readonly string[]): void {
    this.#diagnostics.warn(
      `${what} of '${name}' that JSON cannot say`,
      what === 'data'
        ? `The data of the event '${name}' holds what JSON cannot say; it is delivered as: ${conversions.join('; ')}.`
        : `The context '${name}' holds what JSON cannot say; it is delivered as: ${conversions.join('; ')}.`,
      ONCE_A_MINUTE,
    );
  }

  #reportSize(name: string, size: number): void {
    this.#diagnostics.warn(
      `size of '${name}'`,
      `The event '${name}' is about ${size} bytes large, more than maxEventSize (${this.#maxEventSize}). It is delivered.`,
      ONCE_A_MINUTE,
    );
  }
}

function checkedLocator(locator: unknown): ContextLocator {
  const candidate = locator as Partial<ContextLocator> | null;
  if (typeof candidate?.get === 'function' && typeof candidate.run === 'function') {
    return candidate as ContextLocator;
  }
  throw new ImproperlyConfigured(
    `contextLocator: expected an object with the methods get() and run(scope, fn), received ${describeValue(locator)}.`,
  );
}

function checkedSize(size: unknown): number {
  if (typeof size === 'number' && size > 0) return size;
  throw new ImproperlyConfigured(
    `maxEventSize: expected a number of bytes above 0, received ${describeValue(size)}.`,
  );
}
