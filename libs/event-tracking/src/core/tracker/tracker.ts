import type { ContextLocator } from '../context/context-locator.js';
import type { ContextStack, EnteredContext } from '../context/context-stack.js';
import { describeValue, quoteName } from '../diagnostics/describe.js';
import { ImproperlyConfigured, UnknownBackendError } from '../diagnostics/errors.js';
import type { EventContext } from '../event/event.js';
import type { DataArgument, DataNamed, NameOf, TypeOf } from '../event-types/event-map.js';
import { OWN_FILES } from '../event-types/call-site.js';
import {
  captureStack,
  eventTypeFrom,
  isContextType,
  isEventType,
  nameOfType,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
} from '../event-types/event-type.js';
import type { Fields } from '../event-types/field.js';
import type { MetadataRecord } from '../event-types/metadata-record.js';
import type { Violation } from '../diagnostics/violation.js';
import { NO_BACKEND, type Backend, type Deadline } from '../tree/backend.js';
import type { Processor } from '../tree/processor.js';
import { RoutingBackend } from '../tree/routing-backend.js';
import { nodeOf } from '../tree/tree-node.js';
import { EventPipeline } from './event-pipeline.js';
import { registerCopy } from './loaded-copies.js';
import type { PersistedOptions } from './persisted-options.js';
import { checkTrackerOptions, type TrackerOptions } from './tracker-options.js';
import type { TrackerStats } from './tracker-stats.js';
import { VERSION } from './version.js';

registerCopy(VERSION, OWN_FILES);

/**
 * Returns the pipeline of a tracker; undefined for any other value.
 *
 * @internal
 */
export let pipelineOf: (tracker: unknown) => EventPipeline | undefined;

/**
 * Emits events, with the contexts entered around the code that emits them, into a tree of backends.
 *
 * @typeParam Events - the data of events by name ({@link EventsOf}); the compiler rejects other names and other data.
 * Without it, every name and all data are accepted
 * @example
 * ```ts
 * const tracker = new Tracker({ backends: { log: new LoggerBackend() } });
 * tracker.context('request', { user_id: 7 }, () => {
 *   tracker.emit('course.enrolled', { course_id: 'DemoX' });
 * });
 * ```
 */
export class Tracker<Events extends object = object> {
  static {
    pipelineOf = (tracker) =>
      typeof tracker === 'object' && tracker !== null && #pipeline in tracker
        ? tracker.#pipeline
        : undefined;
  }

  readonly #pipeline: EventPipeline;

  /** @throws {@link ImproperlyConfigured} for an invalid option */
  constructor(options?: TrackerOptions);
  /** @internal A tracker whose owner attaches the tree later. */
  constructor(pipeline: EventPipeline);
  constructor(source: TrackerOptions | EventPipeline = {}) {
    if (source instanceof EventPipeline) {
      this.#pipeline = source;
      return;
    }
    checkTrackerOptions(source);
    const { backends, processors, ...options } = source;
    this.#pipeline = new EventPipeline(options);
    this.#pipeline.attach(new RoutingBackend({ backends, processors }));
  }

  /** The tracker's name; `default` unless the options name another. */
  get name(): string {
    return this.#pipeline.name;
  }

  /**
   * Emits an event with the contexts that are entered here and now.
   *
   * @remarks Synchronous; never throws, for any arguments and any errors of processors and backends.
   * @param name - the event's name in dot notation, or an event type; any other value is converted to a string; defaults
   * to `unknown`
   * @param data - keys and values, copied immediately; any other value becomes `{ value }`; defaults to `{}`
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
    this.#pipeline.emit(name, data);
  }

  /**
   * Runs a function inside a context and returns what it returns, promise or not.
   *
   * @remarks
   * The block ends for its caller when the promise settles; work that the function started without awaiting it keeps
   * the context. Inside the block, the context shadows an outer one of the same name.
   * @throws {@link InvalidContextError} if the context is not an object; errors of the function pass through
   */
  context<C extends ContextType, T>(type: C, context: ContextValuesOf<C>, fn: () => T): T;
  context<T>(name: string, context: object, fn: () => T): T;
  context<T>(context: object, fn: () => T): T;
  context<T>(...args: [string | ContextType, object, () => T] | [object, () => T]): T {
    const [name, context, fn] = args.length === 2 ? [undefined, ...args] : args;
    if (typeof fn !== 'function') {
      throw new TypeError(
        `tracker.context(name, values, callback): callback must be a function; received ${describeValue(fn)}. ` +
          `To enter a context without a block, call enterContext(name, values).`,
      );
    }
    if (this.#pipeline.isDisabled) return fn();
    const { locator, types } = this.#pipeline;
    return locator.run('block', () => {
      this.#pipeline.enterContext(name, context, types.contextOf(name));
      return fn();
    });
  }

  /**
   * Enters a context in the innermost scope, for all code that runs in it, until it is exited or the scope ends.
   *
   * @param description - describes the context and when it is entered; events refer to the description
   * @param fields - describes its keys
   * @returns a handle that exits the context when it is disposed: `using entered = tracker.enterContext(…)`
   * @throws {@link InvalidContextError} if the context is not an object
   * @throws {@link ImproperlyConfigured} if the description or the fields are invalid
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
    const { types, isDisabled } = this.#pipeline;
    const type =
      typeof name === 'string' && description !== undefined
        ? types.described(name, description, fields, this.enterContext)
        : types.contextOf(name);
    if (isDisabled) return { conversions: [], [Symbol.dispose]() {} };
    return this.#pipeline.enterContext(name, context, type);
  }

  /**
   * Exits the context of this name in the innermost scope that holds one.
   *
   * @throws {@link UnknownContextError} if none is entered, or if code of a request would exit a context of the process
   */
  exitContext(name: string | ContextType): void {
    if (this.#pipeline.isDisabled) return;
    this.locatedContext.exit(nameOfType(name));
  }

  /** Returns the contexts that an event emitted here would carry, merged into a new object. */
  resolveContext(): EventContext {
    return this.#pipeline.isDisabled ? {} : this.locatedContext.resolve(this.name);
  }

  /** The context stack of the running code. */
  get locatedContext(): ContextStack {
    return this.contextLocator.get();
  }

  /** Finds the context stack of the running code. */
  get contextLocator(): ContextLocator {
    return this.#pipeline.locator;
  }

  /** The backends of the first level by name, in the order in which they are called. */
  get backends(): ReadonlyMap<string, Backend> {
    return this.#pipeline.root?.backends ?? new Map();
  }

  /** The processors of the first level, in order. */
  get processors(): readonly Processor[] {
    return this.#pipeline.root?.processors ?? [];
  }

  /**
   * Returns the backend at a path of the tree, for example `warehouse.mongo`.
   *
   * @throws {@link UnknownBackendError} if the tree has no backend at the path
   */
  getBackend(path: string): Backend {
    if (this.#pipeline.isDisabled) return NO_BACKEND;
    const found = this.#find(path);
    if (found !== undefined) return found;
    // Queues and dead letters have stats too, but are not backends of the tree.
    const paths = Object.keys(this.#pipeline.root?.stats() ?? {});
    const known = paths.filter((each) => each !== '' && this.#find(each) !== undefined);
    throw new UnknownBackendError(
      `The tracker '${this.name}' has no backend ${quoteName(path)}. ` +
        `It has: ${known.length === 0 ? 'none' : known.join(', ')}. Names of nested backends are joined by dots.`,
    );
  }

  /**
   * Adds a backend to the first level, which is called after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} if the name is taken or the value is not a backend
   */
  registerBackend(name: string, backend: Backend): void {
    if (this.#pipeline.isDisabled) return;
    this.#attachedRoot().registerBackend(name, backend);
  }

  /**
   * Adds a processor to the first level, which runs after the existing ones.
   *
   * @throws {@link ImproperlyConfigured} for a value that is not a processor
   */
  registerProcessor(processor: Processor): void {
    if (this.#pipeline.isDisabled) return;
    this.#attachedRoot().registerProcessor(processor);
  }

  /**
   * Registers an event or context type; events of its name refer to it and are checked against it from now on.
   *
   * @remarks
   * The last registration of a name applies; a changed description creates a new record and keeps the old one.
   * Registration is optional, and events that deviate from their type are still delivered.
   * @param description - describes the event and when it is emitted; may be empty
   * @param fields - describes the fields of its data
   * @param contextFields - describes the keys of its context
   * @returns the record; its id is derived from its content
   * @throws {@link ImproperlyConfigured} for an invalid description
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
    const { types } = this.#pipeline;
    if (isEventType(type) || isContextType(type)) return types.register(type);
    const stack = captureStack(this.register);
    return types.register(eventTypeFrom(type, { description, fields }, stack, contextFields));
  }

  /** The metadata records of all event and context types, in every version, in the order of their last registration. */
  get records(): readonly MetadataRecord[] {
    return this.#pipeline.types.records;
  }

  /** How events deviated from their types, once per kind and name; these events were still delivered. */
  get violations(): readonly Violation[] {
    return this.#pipeline.check.violations.all;
  }

  /** Returns what became of the events emitted so far: in total, and at each node and backend of the tree. */
  stats(): TrackerStats {
    return this.#pipeline.stats();
  }

  /**
   * Resolves when all events emitted so far have been delivered or given up, or the signal aborts.
   *
   * @throws {@link EventViolationError} if the tracker is strict and events deviated from their types; never rejects
   * otherwise
   */
  async flush(options: Deadline = {}): Promise<void> {
    await this.#pipeline.flush(options);
    this.#pipeline.check.refuse();
  }

  /**
   * Resolves when all events emitted so far are durable: delivered, filtered, stored as dead letters, or accepted by a
   * durable queue.
   *
   * @remarks
   * - It rejects if events were lost since the request began, or since the block of the outermost `context()` did. Outside
   *   both, it rejects for losses since the last call there that had not to wait for more.
   * - It does not wait for events that are emitted later, nor end pauses between attempts.
   * - An event is durable at a backend without delivery when its `send` has returned or resolved.
   * @example
   * ```ts
   * tracker.emit('order.paid', { order_id: order.id });
   * await tracker.persisted({ timeout: 2_000 }); // answer 200 only then
   * ```
   * @throws {@link NotPersistedError} if events are lost, or not durable when the time is over or the signal aborts
   */
  async persisted(options: PersistedOptions = {}): Promise<void> {
    await this.#pipeline.persisted(options);
  }

  /**
   * Flushes, and closes all backends; events emitted later are dropped and counted as `closed`.
   *
   * @remarks A second call awaits the first.
   * @throws {@link EventViolationError} if the tracker is strict and events deviated from their types, once everything
   * is closed; never rejects otherwise
   */
  async close(options: Deadline = {}): Promise<void> {
    await this.#pipeline.close(options);
    this.#pipeline.check.refuse();
  }

  #find(path: string): Backend | undefined {
    let backend: Backend | undefined = this.#pipeline.root;
    for (const name of String(path).split('.')) backend = nodeOf(backend)?.backends?.get(name);
    return backend;
  }

  #attachedRoot(): RoutingBackend {
    const { root } = this.#pipeline;
    if (root !== undefined) return root;
    throw new ImproperlyConfigured(
      `The backends of the tracker '${this.name}' are still being created. Register further ones in onModuleInit or later.`,
    );
  }
}
