import { EventCounters, type EventStats } from '../tree/event-stats.js';
import { NO_BACKEND, type Backend, type Deadline } from '../tree/backend.js';
import type { ContextLocator } from '../context/context-locator.js';
import type { ContextStack, EnteredContext } from '../context/context-stack.js';
import { DefaultContextLocator } from '../context/default-context-locator.js';
import { describeError, describeValue, quoteName } from '../diagnostics/describe.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { ImproperlyConfigured, UnknownBackendError } from '../diagnostics/errors.js';
import type { EventContext, TrackingEvent } from '../event/event.js';
import { EventFactory } from '../event/event-factory.js';
import type { DataArgument, DataNamed, NameOf, TypeOf } from '../event-types/event-map.js';
import {
  checkedTypes,
  eventTypeFrom,
  isContextType,
  isEventType,
  nameOfType,
  captureStack,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
} from '../event-types/event-type.js';
import type { Fields } from '../event-types/field.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import { TypeCheck } from '../event-types/type-check.js';
import { TypeRegister } from '../event-types/type-register.js';
import type { Violation, ViolationKind } from '../event-types/violations.js';
import { StartupBuffer } from './startup-buffer.js';
import type { Processor } from '../tree/processor.js';
import { RoutingBackend } from '../tree/routing-backend.js';
import {
  checkedLocator,
  checkedSize,
  checkTrackerOptions,
  DEFAULT_MAX_EVENT_SIZE,
  type TrackerOptions,
} from './tracker-options.js';
import { ADOPT, isTreePart, ROUTE } from '../tree/tree-node.js';
import { untilAborted } from '../tree/until-aborted.js';

/** What became of a tracker's events. */
export interface TrackerStats extends EventStats {
  /** By path of the routing nodes (the root's is empty) and backends. */
  readonly backends: Readonly<Record<string, EventStats>>;
  /** How often events differed from what was agreed, by kind; they were delivered all the same. */
  readonly violations: Readonly<Partial<Record<ViolationKind, number>>>;
}

/** How often making or delivering one event may emit another before it is taken for a circle. */
const MAX_NESTED_EMITS = 8;

/** How a {@link DetachedTracker} is made. */
export type DetachedTrackerOptions = Omit<
  TrackerOptions,
  'backends' | 'processors' | 'maxEventSize' | 'strict'
>;

/** What a {@link DetachedTracker} learns with its tree. */
export type AttachOptions = Pick<TrackerOptions, 'contextLocator' | 'maxEventSize' | 'strict'>;

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
  /** The type of contexts of a name, if it was registered. */
  contextType(name: string): ContextType | undefined;
  /** Says that a context which others entered held what JSON cannot say, and what became of it. */
  unserialisable(context: string, conversions: readonly string[]): void;
  /** Flushes, strict or not. */
  drain(options: Deadline): Promise<void>;
  /** @throws {@link EventViolationError} when the tracker is strict and events differed from what was agreed */
  refuseViolations(): void;
}

let detach: (options: DetachedTrackerOptions) => DetachedTracker;

/** Makes a tracker whose tree is attached later. */
export function createDetachedTracker(options: DetachedTrackerOptions): DetachedTracker {
  return detach(options);
}

/**
 * What code emits events through; it owns a context locator and the root of a tree of backends.
 *
 * @typeParam Events - the data of events by name ({@link EventsOf}): the compiler refuses other names and other data.
 * Left out, every name and all data are taken
 * @example
 * ```ts
 * const tracker = new Tracker({ backends: { log: new LoggerBackend() } });
 * tracker.context('request', { user_id: 7 }, () => {
 *   tracker.emit('course.enrolled', { course_id: 'DemoX' });
 * });
 * ```
 */
export class Tracker<Events extends object = object> {
  /** The tracker's name, `default` unless said. */
  readonly name: string;
  readonly #diagnostics: Diagnostics;
  readonly #types = new TypeRegister((record) => this.#announce(record));
  readonly #check: TypeCheck;
  readonly #maker: EventFactory;
  readonly #account = new EventCounters();
  #root: RoutingBackend | undefined;
  #held: StartupBuffer | undefined;
  #state: 'open' | 'disabled' | 'closed' = 'open';
  #nested = 0;
  #closing: Promise<void> | undefined;

  /** @throws {@link ImproperlyConfigured} for what is no backend, no processor, no locator or no size */
  constructor(options: TrackerOptions = {}) {
    checkTrackerOptions(options);
    this.name = options.name ?? 'default';
    this.#diagnostics = new Diagnostics(options.logger);
    this.#check = new TypeCheck(this.#diagnostics);
    this.#check.isStrict = options.strict === true;
    this.#maker = new EventFactory({
      tracker: this.name,
      locator: checkedLocator(options.contextLocator ?? new DefaultContextLocator()),
      maxEventSize: checkedSize(options.maxEventSize ?? DEFAULT_MAX_EVENT_SIZE),
      types: this.#types,
      check: this.#check,
      diagnostics: this.#diagnostics,
    });
    for (const type of checkedTypes(options.eventTypes ?? [], 'eventTypes')) this.register(type);
    const { backends, processors } = options;
    this.#attach(new RoutingBackend({ backends, processors }));
  }

  /**
   * Reports that something happened, with the contexts that are entered here and now.
   *
   * @remarks Synchronous; never throws, whatever is passed and whatever processors and backends do.
   * @param name - what happened, in dot notation, or an event type; what is neither is written as a string. `unknown` when
   * left out
   * @param data - an object of keys and values, copied as it is now; anything else becomes `{ value }`
   */
  emit<T extends EventType>(
    type: T & TypeOf<Events, T>,
    ...data: DataArgument<EventDataOf<T>>
  ): void;
  emit<Name extends NameOf<Events>>(
    name: Name | (object extends Events ? undefined : never),
    ...data: DataArgument<DataNamed<Events, Name>>
  ): void;
  emit(this: object extends Events ? unknown : never): void;
  emit(name?: unknown, data?: unknown): void {
    if (this.#state === 'disabled') return;
    try {
      this.#account.arrived++;
      if (this.#state === 'closed') {
        this.#drop('closed', name, 'the tracker is closed');
      } else if (this.#nested >= MAX_NESTED_EMITS) {
        this.#drop('recursion', name, 'making or delivering events emits events in a circle');
      } else {
        this.#makeAndRoute(name, data);
      }
    } catch (fault) {
      // Counted without a call: where the stack is exhausted, the count is all that can be said.
      const { dropped } = this.#account;
      dropped.internal_error = (dropped.internal_error ?? 0) + 1;
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
  context<C extends ContextType, T>(type: C, context: ContextValuesOf<C>, fn: () => T): T;
  context<T>(name: string, context: object, fn: () => T): T;
  context<T>(context: object, fn: () => T): T;
  context<T>(...args: [string | ContextType, object, () => T] | [object, () => T]): T {
    const [name, context, fn] = args.length === 2 ? [undefined, ...args] : args;
    if (typeof fn !== 'function') {
      throw new TypeError(
        `tracker.context(name, values, callback) runs a callback, received ${describeValue(fn)}. ` +
          `To enter a context without a block, call enterContext(name, values).`,
      );
    }
    if (this.#state === 'disabled') return fn();
    return this.#maker.locator.run('block', () => {
      this.#enter(this.#maker.locator.get(), name, context, this.#types.contextOf(name));
      return fn();
    });
  }

  /**
   * Enters a context in the innermost scope, for all code that runs in it, until it is exited or the scope ends.
   *
   * @param description - what the context is and when it is entered; events refer to what is said of it
   * @param fields - what its keys mean
   * @returns a handle that leaves the context by itself: `using entered = tracker.enterContext(…)`
   * @throws {@link InvalidContextError} when the context is no object
   * @throws {@link ImproperlyConfigured} when what is said of it is no description
   */
  enterContext<C extends ContextType>(type: C, context: ContextValuesOf<C>): EnteredContext;
  enterContext(
    name: string,
    context: object,
    description?: string,
    fields?: Fields,
  ): EnteredContext;
  enterContext(
    name: string | ContextType,
    context: object,
    description?: string,
    fields: Fields = {},
  ): EnteredContext {
    const type =
      typeof name === 'string' && description !== undefined
        ? this.#types.described(name, description, fields, this.enterContext)
        : this.#types.contextOf(name);
    if (this.#state === 'disabled') return { conversions: [], [Symbol.dispose]() {} };
    return this.#enter(this.#maker.locator.get(), name, context, type);
  }

  /**
   * Leaves the context of this name that the innermost scope holds.
   *
   * @throws {@link UnknownContextError} when none is entered, or it belongs to the process and the code to a request
   */
  exitContext(name: string | ContextType): void {
    if (this.#state === 'disabled') return;
    this.#maker.locator.get().exit(nameOfType(name));
  }

  /** All contexts that an event emitted here would carry, merged into a fresh object. */
  resolveContext(): EventContext {
    return this.#state === 'disabled' ? {} : this.#maker.locator.get().resolve(this.name);
  }

  /** The stack of contexts that belongs to the running code. */
  get locatedContext(): ContextStack {
    return this.#maker.locator.get();
  }

  /** What finds the contexts of the running code. */
  get contextLocator(): ContextLocator {
    return this.#maker.locator;
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
    if (this.#state === 'disabled') return NO_BACKEND;
    const found = this.#find(path);
    if (found !== undefined) return found;
    // Queues and dead letters have accounts, and are no backends of the tree.
    const paths = Object.keys(this.#root?.stats() ?? {});
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
    if (this.#state === 'disabled') return;
    this.#standingRoot().registerBackend(name, backend);
  }

  /**
   * Adds a processor to the first level; it runs after those that are there.
   *
   * @throws {@link ImproperlyConfigured} when the value is no processor
   */
  registerProcessor(processor: Processor): void {
    if (this.#state === 'disabled') return;
    this.#standingRoot().registerProcessor(processor);
  }

  /**
   * Registers a type of events or contexts: events of its name refer to it from now on, and are compared with it.
   *
   * @remarks
   * The last registration of a name counts; a changed description makes a new record and keeps the old. Registering is
   * optional, and what differs from its type is delivered all the same.
   * @param description - what happened when such an event is emitted, and under which conditions; may be empty
   * @param fields - what the fields of its data mean
   * @param contextFields - what the keys of its context mean
   * @returns the record, whose id the content alone decides
   * @throws {@link ImproperlyConfigured} for what is no description
   */
  register(type: EventType | ContextType): MetadataRecord;
  register(
    name: string,
    description: string,
    fields?: Fields,
    contextFields?: Fields,
  ): MetadataRecord;
  register(
    type: EventType | ContextType | string,
    description: string = '',
    fields?: Fields,
    contextFields?: Fields,
  ): MetadataRecord {
    if (isEventType(type) || isContextType(type)) return this.#types.register(type);
    const stack = captureStack(this.register);
    return this.#types.register(eventTypeFrom(type, { description, fields }, stack, contextFields));
  }

  /** What is known of types of events and contexts, in every version, in the order in which they were last registered. */
  get records(): readonly MetadataRecord[] {
    return this.#types.records;
  }

  /** How events differed from what was agreed, each kind and name once; they were delivered all the same. */
  get violations(): readonly Violation[] {
    return this.#check.violations.all;
  }

  /** What became of the events emitted so far, in all and at each node and backend of the tree. */
  stats(): TrackerStats {
    const held = this.#held?.size ?? 0;
    const own = this.#account.read();
    return {
      ...own,
      pending: own.pending + held,
      backends: this.#root?.stats() ?? {},
      violations: this.#check.violations.counts(),
    };
  }

  /**
   * Resolves when everything emitted so far has been delivered or given up, or the signal aborts.
   *
   * @throws {@link EventViolationError} when the tracker is strict and events differed from what was agreed; else it
   * never rejects
   */
  async flush(options: Deadline = {}): Promise<void> {
    await this.#flush(options);
    this.#check.refuse();
  }

  /**
   * Flushes, closes all backends and refuses further events, which are counted as dropped with the reason `closed`.
   *
   * @remarks Closing again does nothing but wait for the end of the first time.
   * @throws {@link EventViolationError} when the tracker is strict and events differed from what was agreed, once
   * everything is closed; else it never rejects
   */
  async close(options: Deadline = {}): Promise<void> {
    if (this.#state === 'open') this.#closing ??= this.#close(options);
    await this.#closing;
    this.#check.refuse();
  }

  static {
    detach = (options) => {
      const tracker = new Tracker(options);
      tracker.#root = undefined;
      tracker.#held = new StartupBuffer();
      return {
        tracker,
        diagnostics: tracker.#diagnostics,
        attach(root, { contextLocator, maxEventSize, strict } = {}) {
          const maker = tracker.#maker;
          if (contextLocator !== undefined) maker.locator = checkedLocator(contextLocator);
          if (maxEventSize !== undefined) maker.maxEventSize = checkedSize(maxEventSize);
          tracker.#check.isStrict = strict === true;
          tracker.#attach(root);
        },
        disable() {
          tracker.#state = 'disabled';
          tracker.#held = undefined;
        },
        refuse() {
          if (tracker.#state === 'open') tracker.#refuse();
        },
        contextType: (name) => tracker.#types.contextOf(name),
        unserialisable(context, conversions) {
          tracker.#check.unserialisable('context', context, conversions);
        },
        drain: (deadline) => tracker.#flush(deadline),
        refuseViolations() {
          tracker.#check.refuse();
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

  /** Making an event may emit too: a getter of its data, or what is asked for the request's context. */
  #makeAndRoute(name: unknown, data: unknown): void {
    this.#nested++;
    try {
      const { event, size } = this.#maker.make(name, data);
      this.#route(event, size);
    } finally {
      this.#nested--;
    }
  }

  #route(event: TrackingEvent, size?: number): void {
    if (this.#root === undefined) {
      if (this.#held?.hold(event) === true) return;
      this.#drop(
        'startup_overflow',
        event.name,
        `${this.#held?.capacity} events wait for the backends to be ready`,
      );
      return;
    }
    this.#root[ROUTE](event, size);
    this.#account.delivered++;
  }

  #announce(record: MetadataRecord): void {
    this.#root?.register(record).catch(() => {}); // reported by the tree
  }

  #attach(root: RoutingBackend): void {
    root[ADOPT]({
      tracker: this.name,
      path: '',
      diagnostics: this.#diagnostics,
      stands: true,
    });
    this.#root = root;
    for (const record of this.#types.records) this.#announce(record);
    const held = this.#held?.release() ?? [];
    this.#held = undefined;
    for (const event of held) this.#route(event);
  }

  async #flush(options: Deadline): Promise<void> {
    await this.#root?.flush(options);
    await untilAborted(this.#check.settled(), options.signal);
    this.#diagnostics.settle();
  }

  async #close(options: Deadline): Promise<void> {
    await this.#flush(options);
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

  #enter(
    stack: ContextStack,
    context: string | ContextType | undefined,
    values: object,
    type: ContextType | undefined,
  ): EnteredContext {
    const name = nameOfType(context);
    const entered = stack.enter(name, values, { type });
    if (entered.conversions.length > 0) {
      this.#check.unserialisable('context', name ?? 'without a name', entered.conversions);
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

  #drop(reason: 'closed' | 'startup_overflow' | 'recursion', name: unknown, why: string): void {
    this.#account.drop(reason);
    this.#reportDrop(name, why);
  }

  #reportDrop(name: unknown, why: string): void {
    this.#diagnostics.error(
      `drops of the tracker '${this.name}'`,
      `The event ${quoteName(nameOfType(name))} was dropped: ${why}.`,
    );
  }
}
