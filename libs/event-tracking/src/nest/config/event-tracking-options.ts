import type {
  ExecutionContext,
  FactoryProvider,
  InjectionToken,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import type { ContextType, EventType } from '../../core/event-types/event-type.js';
import type {
  BackendDefinitions,
  ContextLocatorDefinition,
  EventQueueDefinition,
  ProcessorDefinition,
} from './definitions.js';

/** The tree of one tracker. */
export interface TrackerTreeOptions {
  /**
   * Where events wait for all backends; see {@link RoutingDefinition}.
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
   * The steps that each event takes before any backend gets it.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
}

/**
 * Makes the context of a request.
 *
 * @param request - the HTTP adapter's request; the client of a gateway; the context of a microservice's message
 * @param defaults - what the request's context would be
 * @param executionContext - Nest's, where Nest has dispatched the request already
 */
export type RequestContextFactory = (
  // Each adapter and transport has a request of its own type, which the function declares.
  // oxlint-disable-next-line typescript/no-explicit-any
  request: any,
  defaults: Record<string, unknown>,
  executionContext?: ExecutionContext,
) => object;

/** How a request becomes context. */
export interface RequestContextOptions {
  /**
   * Makes the request's context; spread `defaults` to extend them.
   *
   * @remarks
   * Called for each event of the request, so that it sees what guards have learnt by then (`request.user`). A fault
   * in it is reported, and the defaults are used.
   * @default the defaults
   */
  request?: RequestContextFactory;
  /**
   * Keys of the application's own CLS that become context, read when an event is emitted. Dots lead into objects:
   * `user.id` becomes `{ user: { id } }`.
   *
   * @default none
   */
  cls?: readonly string[];
}

/** What {@link EventTrackingModule.forRoot} configures. */
export interface EventTrackingOptions extends TrackerTreeOptions {
  /**
   * False constructs nothing: all tokens resolve to things that do nothing.
   *
   * @default true
   */
  enabled?: boolean;
  /**
   * Further trackers by name, each with a tree of its own.
   *
   * @default none
   */
  trackers?: Readonly<Record<string, TrackerTreeOptions>>;
  /**
   * How a request becomes context; false for no context of its own.
   *
   * @default method, path, host, ip, agent, referrer, request_id, page where there is one, and origin: 'server'
   */
  context?: false | RequestContextOptions;
  /**
   * Finds the contexts of the running code, for all trackers of the application.
   *
   * @default a {@link ClsContextLocator}
   */
  contextLocator?: ContextLocatorDefinition;
  /**
   * Whether this process takes events out of queues that it shares with others, such as those in Redis.
   *
   * @remarks Queues in memory are always emptied by the process that fills them.
   * @default false
   */
  worker?: boolean;
  /**
   * The size in bytes of an event's data, estimated, beyond which a warning is logged. The event is delivered.
   *
   * @default 1 MiB
   */
  maxEventSize?: number;
  /**
   * The types of events and contexts of the whole application, for all its trackers; those of a feature may be registered
   * beside it, by {@link EventTrackingModule.forFeature}.
   *
   * @default none
   */
  eventTypes?: readonly (EventType | ContextType)[];
  /**
   * Makes the trackers' `flush` and `close`, and closing the application, reject when events differed from what was agreed:
   * for tests and development. Events are delivered all the same.
   *
   * @default false
   */
  strict?: boolean;
  /**
   * How long draining may take at shutdown, in milliseconds, in all.
   *
   * @default 10,000
   */
  shutdownTimeout?: number;
  /**
   * Makes the trackers known to `getTracker` and `emit`, for code outside the injector.
   *
   * @default false
   */
  registerGlobally?: boolean;
}

/** What is known when the module is declared, and not only when its options are made. */
export interface EventTrackingModuleExtras {
  /**
   * The modules in which definitions find their dependencies, besides global ones.
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

/** Makes options; for {@link EventTrackingModule.forRootAsync}. */
export interface EventTrackingOptionsFactory {
  createEventTrackingOptions(): EventTrackingOptions | Promise<EventTrackingOptions>;
}

/** The argument of {@link EventTrackingModule.forRootAsync}. */
export interface EventTrackingModuleAsyncOptions extends EventTrackingModuleExtras {
  /** A function that makes the options from what `inject` lists. */
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...dependencies: any[]) => EventTrackingOptions | Promise<EventTrackingOptions>;
  /** What `useFactory` is given. */
  inject?: FactoryProvider['inject'];
  /** A class whose instance makes the options; created by this module. */
  useClass?: Type<EventTrackingOptionsFactory>;
  /** A provider that makes the options. */
  useExisting?: InjectionToken;
  /**
   * What is to be injected by name, besides the default tracker: Nest asks for it before the factory has run.
   *
   * @default none
   */
  expose?: {
    /** Names of trackers. */
    trackers?: readonly string[];
    /** Paths of the default tracker's backends, or of another's as `{ tracker, path }`. */
    backends?: readonly (string | { tracker: string; path: string })[];
  };
}
