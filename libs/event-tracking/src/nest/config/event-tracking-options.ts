import type {
  ExecutionContext,
  FactoryProvider,
  InjectionToken,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import type { ContextType, EventType } from '../../core/event-types/event-type.js';
import type { TransactionMode } from '../../core/event-types/transaction-mode.js';
import type {
  BackendDefinitions,
  ContextLocatorDefinition,
  EventQueueDefinition,
  ProcessorDefinition,
} from './definitions.js';

/** The tree of one tracker. */
export interface TrackerTreeOptions {
  /**
   * Buffers events for all backends; see {@link RoutingDefinition}.
   *
   * @default none
   */
  queue?: EventQueueDefinition;
  /**
   * The destinations by name, called in code-point order of their names.
   *
   * @default none
   */
  backends?: BackendDefinitions;
  /**
   * The processors that each event passes before it reaches any backend.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
  /**
   * Whether events that are emitted in a transaction wait for its end; event types can differ.
   *
   * @default 'commit', which has an effect only in transactions that the library can observe
   */
  transaction?: TransactionMode;
}

/**
 * Returns the context of a request.
 *
 * @param request - the HTTP adapter's request, a gateway's client, or a microservice's message
 * context
 * @param defaults - the default context of the request
 * @param executionContext - Nest's execution context, once Nest has dispatched the request
 */
export type RequestContextFactory = (
  // Each adapter and transport has its own request type, declared by the function.
  // oxlint-disable-next-line typescript/no-explicit-any
  request: any,
  defaults: Record<string, unknown>,
  executionContext?: ExecutionContext,
) => object;

/** How context is derived from a request. */
export interface RequestContextOptions {
  /**
   * Returns the request's context; spread `defaults` to extend them.
   *
   * @remarks
   * Called for each event of the request, so that it sees properties that guards have added
   * (`request.user`). If it fails, the error is reported and the defaults are used. Each text that
   * it returns is cut to 1 KB.
   * @default the defaults
   */
  request?: RequestContextFactory;
  /**
   * Keys of the application's own CLS to copy into the context when an event is emitted.
   *
   * @remarks
   * A list keeps the names; dots address nested values: `user.id` becomes `{ user: { id } }`. An
   * object renames: its keys are those of the context, such as `{ user_id: 'user.id' }`.
   * @default none
   */
  cls?: readonly string[] | Readonly<Record<string, string>>;
  /**
   * The query parameters to keep in `page` and `referrer`; an asterisk at the end stands for any
   * characters, as in `utm_*`.
   *
   * @default none
   */
  query?: readonly string[];
}

/** The options of event tracking in a Nest application. */
export interface EventTrackingOptions extends TrackerTreeOptions {
  /**
   * Whether event tracking is active; if false, no backend is created and all tokens resolve to
   * no-ops.
   *
   * @default true
   */
  enabled?: boolean;
  /**
   * Additional trackers by name, each with its own tree.
   *
   * @default none
   */
  trackers?: Readonly<Record<string, TrackerTreeOptions>>;
  /**
   * How context is derived from a request; false for no request context.
   *
   * @remarks Each text of the context is cut to 1 KB.
   * @default method, path, route, host, ip, agent, referrer, page, request_id, status and duration
   * where known, and origin: 'server'
   */
  context?: false | RequestContextOptions;
  /**
   * Finds the contexts of the running code, for all trackers of the application.
   *
   * @default a {@link ClsContextLocator}
   */
  contextLocator?: ContextLocatorDefinition;
  /**
   * Whether this process consumes events from queues shared with other processes, such as in Redis.
   *
   * @remarks Each process always consumes its own in-memory queues.
   * @default false
   */
  worker?: boolean;
  /**
   * The estimated size of an event's data, in bytes, above which a warning is logged.
   *
   * @remarks The event is still delivered.
   *
   * @default 1 MiB
   */
  maxEventSize?: number;
  /**
   * The event and context types of the application, registered with all its trackers.
   *
   * @remarks A feature module can register its own with {@link EventTrackingModule.forFeature}.
   * @default none
   */
  eventTypes?: readonly (EventType | ContextType)[];
  /**
   * Makes the trackers' `flush` and `close`, and closing the application, reject if events violated
   * their types.
   *
   * @remarks For tests and development. The events are still delivered.
   * @default false
   */
  strict?: boolean;
  /**
   * The total time that delivery may take at shutdown, in milliseconds.
   *
   * @default 10,000
   */
  shutdownTimeout?: number;
  /**
   * Whether to register the trackers for `getTracker` and `emit`, for code outside the injector.
   *
   * @default false
   */
  registerGlobally?: boolean;
}

/** The options that Nest needs when the module is declared. */
export interface EventTrackingModuleExtras {
  /**
   * The modules, in addition to global ones, that provide the dependencies of definitions.
   *
   * @default none
   */
  imports?: ModuleMetadata['imports'];
  /**
   * Whether trackers and backends can be injected in every module.
   *
   * @default true
   */
  isGlobal?: boolean;
}

/** The argument of {@link EventTrackingModule.forRoot}. */
export type EventTrackingModuleOptions = EventTrackingOptions & EventTrackingModuleExtras;

/** Creates the options for {@link EventTrackingModule.forRootAsync}. */
export interface EventTrackingOptionsFactory {
  createEventTrackingOptions(): EventTrackingOptions | Promise<EventTrackingOptions>;
}

/** The argument of {@link EventTrackingModule.forRootAsync}. */
export interface EventTrackingModuleAsyncOptions extends EventTrackingModuleExtras {
  /** Creates the options from the dependencies that `inject` lists. */
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...dependencies: any[]) => EventTrackingOptions | Promise<EventTrackingOptions>;
  /** The tokens of the arguments of `useFactory`. */
  inject?: FactoryProvider['inject'];
  /** A class to instantiate that creates the options. */
  useClass?: Type<EventTrackingOptionsFactory>;
  /** The token of an existing provider that creates the options. */
  useExisting?: InjectionToken;
  /**
   * The trackers and backends to make injectable, in addition to the default tracker.
   *
   * @remarks Nest needs to know them before the factory runs.
   * @default none
   */
  expose?: {
    /** The names of trackers. */
    trackers?: readonly string[];
    /** The paths of the default tracker's backends; `{ tracker, path }` for another tracker. */
    backends?: readonly (string | { tracker: string; path: string })[];
  };
}
