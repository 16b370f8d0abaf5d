import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import {
  ApplicationConfig,
  HttpAdapterHost,
  LazyModuleLoader,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import type { Tracker } from '../../core/tracker/tracker.js';
import { EventTrackingApplication } from './application.js';
import { TreeBuilder } from './tree-builder.js';
import { entryAt, pathsOf, type Blueprint } from '../config/blueprint.js';
import { readBlueprint } from '../config/read-blueprint.js';
import { rejectCircularBackends } from './circular-dependencies.js';
import { afterLazyModules, bindDecoratedProviders } from '../decorators/decorated-providers.js';
import type { EventTrackingOptions } from '../config/event-tracking-options.js';
import { ClosingSignal, ClosingSignalModule } from './closing-signal.module.js';
import { GlobalRegistration } from './global-registration.js';
import { markHandlers } from '../request/http-handlers.js';
import { openScopesOverHttp } from '../request/open-scopes-over-http.js';
import { openScopesOverMessages } from '../request/open-scopes-over-messages.js';
import { RequestContext } from '../request/request-context.js';
import { warnOfProcessContexts } from './process-context-warning.js';
import { warnOfUnobservedTransactions } from './transaction-warning.js';
import { RequestScopes } from '../request/request-scopes.js';
import { bindSharedClients } from '../request/shared-clients.js';
import {
  APPLICATION,
  BUILT_TREES,
  TREE_BUILDER,
  BLUEPRINT,
  DEFAULT_TRACKER,
  getBackendToken,
  getTrackerToken,
  INJECTED_TRACKERS,
  OPTIONS,
} from '../tokens.js';

// Fake clocks of tests do not stop the platform's function.
const afterPromises = setImmediate;

/** Identifies a backend of the application. */
export interface BackendAddress {
  tracker: string;
  /** The backend's path in the tree, such as `warehouse.mongo`. */
  path: string;
}

/** The part of the configuration that Nest needs when the module is declared. */
export interface CoreModuleDeclaration {
  imports: ModuleMetadata['imports'];
  isGlobal: boolean | undefined;
  /** The providers that resolve {@link OPTIONS}. */
  options: readonly Provider[];
  /** The names of the injectable trackers, except the default one. */
  trackers: readonly string[];
  backends: readonly BackendAddress[];
}

/** Provides the trackers and backends; {@link EventTrackingModule} imports and re-exports it. */
@Module({})
export class EventTrackingCoreModule
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #registration: GlobalRegistration;
  #isShuttingDown = false;

  constructor(
    private readonly modules: ModulesContainer,
    @Inject(BUILT_TREES) private readonly builder: TreeBuilder,
    private readonly lazyModules: LazyModuleLoader,
    private readonly closing: ClosingSignal,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.#registration = new GlobalRegistration(builder.application);
    // Nest must call this module's shutdown hook last, because it may throw.
    for (const module of modules.values()) {
      if (module.metatype === EventTrackingCoreModule) module.distance = Infinity;
    }
  }

  static of(declaration: CoreModuleDeclaration): DynamicModule {
    const shared: FactoryProvider[] = [
      {
        provide: APPLICATION,
        useFactory: () => new EventTrackingApplication(declaration.trackers),
      },
      ...[DEFAULT_TRACKER, ...declaration.trackers].map(trackerProvider),
      ...declaration.backends.map(backendProvider),
      ...treeProviders(declaration),
    ];
    return {
      module: EventTrackingCoreModule,
      global: declaration.isGlobal ?? true,
      imports: [...(declaration.imports ?? []), ClosingSignalModule],
      providers: [...declaration.options, ...shared, injectedTrackers(declaration), requestScopes],
      exports: shared.map(({ provide }) => provide),
    };
  }

  onModuleInit(): void {
    const { application, blueprint } = this.builder;
    const bindProviders = (): void => bindDecoratedProviders(this.modules, application);
    bindProviders();
    afterLazyModules(this.lazyModules, bindProviders);
    if (application.enabled) bindSharedClients(this.modules);
    if (blueprint.options.registerGlobally === true) this.#registration.register();
    this.closing.onClosing(() => {
      application.isClosing = true;
      this.#registration.allowReplacement();
    });
  }

  onApplicationBootstrap(): void {
    warnOfUnobservedTransactions(this.builder.application, this.modules);
    // Later, so that the code that awaits the application's initialization still belongs to it.
    afterPromises(() => warnOfProcessContexts(this.builder.application, this.adapterHost));
  }

  beforeApplicationShutdown(): void {
    this.#isShuttingDown = true;
  }

  /**
   * Reports violations to the caller of `app.close()`, after all other modules have shut down.
   *
   * @remarks
   * A getter, because Nest 12 only logs errors that a hook throws. An error thrown by the getter
   * reaches the caller of `app.close()`.
   * @throws {@link EventViolationError} during shutdown, if a strict tracker has recorded
   * violations
   */
  get onApplicationShutdown(): () => void {
    if (this.#isShuttingDown) {
      this.#registration.remove();
      this.builder.application.refuseViolations();
    }
    return () => {};
  }
}

function trackerProvider(name: string): FactoryProvider {
  return {
    provide: getTrackerToken(name),
    useFactory: (application: EventTrackingApplication) => application.tracker(name),
    inject: [APPLICATION],
  };
}

/** Tells the application which trackers Nest injects: `overrideProvider` may replace them. */
function injectedTrackers({ trackers }: CoreModuleDeclaration): FactoryProvider {
  const names = [DEFAULT_TRACKER, ...trackers];
  return {
    provide: INJECTED_TRACKERS,
    useFactory: (application: EventTrackingApplication, ...injected: Tracker[]) => {
      for (const [index, name] of names.entries()) application.useInjected(name, injected[index]!);
      return injected;
    },
    inject: [APPLICATION, ...names.map(getTrackerToken)],
  };
}

function backendProvider({ tracker, path }: BackendAddress): FactoryProvider {
  return {
    provide: getBackendToken(path, tracker),
    useFactory: (builder: TreeBuilder) => builder.backend(tracker, path),
    inject: [TREE_BUILDER],
  };
}

function treeProviders(declaration: CoreModuleDeclaration): FactoryProvider[] {
  return [
    {
      provide: BLUEPRINT,
      useFactory: (options: EventTrackingOptions, modules: ModulesContainer) => {
        rejectSecondImport(modules);
        const blueprint = readBlueprint(options);
        rejectUnknownNames(declaration, blueprint);
        rejectCircularBackends(blueprint, modules);
        return blueprint;
      },
      inject: [OPTIONS, ModulesContainer],
    },
    {
      provide: TREE_BUILDER,
      useFactory: (
        blueprint: Blueprint,
        application: EventTrackingApplication,
        injector: ModuleRef,
      ) => new TreeBuilder(blueprint, application, injector),
      inject: [BLUEPRINT, APPLICATION, ModuleRef],
    },
    {
      provide: BUILT_TREES,
      useFactory: async (builder: TreeBuilder) => {
        await builder.build();
        return builder;
      },
      inject: [TREE_BUILDER],
    },
  ];
}

const requestScopes: FactoryProvider = {
  provide: RequestScopes,
  useFactory: (
    { application, blueprint }: TreeBuilder,
    adapterHost: HttpAdapterHost,
    config: ApplicationConfig,
    modules: ModulesContainer,
  ) => {
    const requestContext = new RequestContext(application, blueprint.options.context, modules);
    const scopes = new RequestScopes(application, requestContext);
    markHandlers(modules);
    openScopesOverHttp(adapterHost, application, scopes);
    openScopesOverMessages(config, modules, application, scopes);
    return scopes;
  },
  inject: [BUILT_TREES, HttpAdapterHost, ApplicationConfig, ModulesContainer],
};

function rejectSecondImport(modules: ModulesContainer): void {
  const imported = [...modules.values()].filter(
    ({ metatype }) => metatype === EventTrackingCoreModule,
  );
  if (imported.length > 1) {
    throw new ImproperlyConfigured(
      `EventTrackingModule is imported ${imported.length} times in one application. ` +
        `Import forRoot() or forRootAsync() once, in the root module, and add destinations to its ` +
        `backends and trackers to its trackers.`,
    );
  }
}

/** Rejects exposed names that are not configured; `forRootAsync` cannot check them earlier. */
function rejectUnknownNames(
  { trackers, backends }: CoreModuleDeclaration,
  blueprint: Blueprint,
): void {
  if (blueprint.options.enabled === false) return;
  for (const name of trackers) {
    if (!blueprint.trackers.has(name)) {
      throw new ImproperlyConfigured(
        `expose.trackers: the tracker '${name}' is not configured. ` +
          `Configured trackers: ${[...blueprint.trackers.keys()].join(', ')}.`,
      );
    }
  }
  for (const { tracker, path } of backends) {
    const root = blueprint.trackers.get(tracker);
    if (root === undefined || entryAt(root, path) === undefined) {
      const known = root === undefined ? [] : pathsOf(root);
      throw new ImproperlyConfigured(
        `expose.backends: the tracker '${tracker}' has no backend '${path}'. ` +
          `Configured backends: ${known.length === 0 ? 'none' : known.join(', ')}.`,
      );
    }
  }
}
