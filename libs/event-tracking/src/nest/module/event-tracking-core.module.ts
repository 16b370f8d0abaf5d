import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { EventTrackingApplication } from './application.js';
import { TreeBuilder } from './tree-builder.js';
import { partAt, pathsOf, readBlueprint, type Blueprint } from '../config/blueprint.js';
import { refuseCircularBackends } from './circular-dependencies.js';
import { bindDecoratedProviders } from '../decorators/decorated-providers.js';
import type { EventTrackingOptions } from '../config/event-tracking-options.js';
import { GlobalRegistration } from './global-registration.js';
import { openScopesOverHttp } from '../request/http-scopes.js';
import { openScopesOverMessages } from '../request/message-scopes.js';
import { RequestContext } from '../request/request-context.js';
import { RequestScopes } from '../request/request-scopes.js';
import {
  APPLICATION,
  BUILT_TREES,
  TREE_BUILDER,
  BLUEPRINT,
  DEFAULT_TRACKER,
  getBackendToken,
  getTrackerToken,
  OPTIONS,
} from '../tokens.js';

/** Where a backend stands. */
export interface BackendAddress {
  tracker: string;
  /** The names that lead to it, joined by dots. */
  path: string;
}

/** What is known of the configuration when the module is declared. */
export interface CoreModuleParts {
  imports: ModuleMetadata['imports'];
  isGlobal: boolean | undefined;
  /** Provides {@link OPTIONS}. */
  options: readonly Provider[];
  /** The names of further trackers that can be injected. */
  trackers: readonly string[];
  /** The backends that can be injected. */
  backends: readonly BackendAddress[];
}

/** What all parts of an application share; {@link EventTrackingModule} imports it and exports its tokens. */
@Module({})
export class EventTrackingCoreModule
  implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #registration: GlobalRegistration;
  #isEnding = false;

  constructor(
    private readonly modules: ModulesContainer,
    @Inject(BUILT_TREES) private readonly assembly: TreeBuilder,
  ) {
    this.#registration = new GlobalRegistration(assembly.application);
    // When this ends in an error, all other modules have ended.
    for (const module of modules.values()) {
      if (module.metatype === EventTrackingCoreModule) module.distance = Infinity;
    }
  }

  static of(parts: CoreModuleParts): DynamicModule {
    const shared: FactoryProvider[] = [
      {
        provide: APPLICATION,
        useFactory: () => new EventTrackingApplication(parts.trackers),
      },
      ...[DEFAULT_TRACKER, ...parts.trackers].map(trackerProvider),
      ...parts.backends.map(backendProvider),
      ...assemblyProviders(parts),
    ];
    return {
      module: EventTrackingCoreModule,
      global: parts.isGlobal ?? true,
      imports: parts.imports,
      providers: [...parts.options, ...shared, requestScopes],
      exports: shared.map(({ provide }) => provide),
    };
  }

  onModuleInit(): void {
    const { application, blueprint } = this.assembly;
    bindDecoratedProviders(this.modules, application);
    if (blueprint.options.registerGlobally === true) this.#registration.register();
  }

  beforeApplicationShutdown(): void {
    this.#isEnding = true;
  }

  /**
   * The last hook of all.
   *
   * @remarks
   * What a hook throws is logged by Nest 12, and nobody else learns of it. What Nest meets when it asks whether there is
   * a hook reaches whoever closes the application.
   * @throws {@link EventViolationError} while the application ends, where a tracker is strict and events differed from what
   * was agreed
   */
  get onApplicationShutdown(): () => void {
    if (this.#isEnding) {
      this.#registration.remove();
      this.assembly.application.refuseViolations();
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

function backendProvider({ tracker, path }: BackendAddress): FactoryProvider {
  return {
    provide: getBackendToken(path, tracker),
    useFactory: (assembly: TreeBuilder) => assembly.backend(tracker, path),
    inject: [TREE_BUILDER],
  };
}

function assemblyProviders(parts: CoreModuleParts): FactoryProvider[] {
  return [
    {
      provide: BLUEPRINT,
      useFactory: (options: EventTrackingOptions, modules: ModulesContainer) => {
        refuseSecondImport(modules);
        const blueprint = readBlueprint(options);
        refuseUnknownNames(parts, blueprint);
        refuseCircularBackends(blueprint, modules);
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
      useFactory: async (assembly: TreeBuilder) => {
        await assembly.assemble();
        return assembly;
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
    const requestContext = new RequestContext(application, blueprint.options.context);
    const scopes = new RequestScopes(application, requestContext);
    openScopesOverHttp(adapterHost, application, scopes);
    openScopesOverMessages(config, modules, application, scopes);
    return scopes;
  },
  inject: [BUILT_TREES, HttpAdapterHost, ApplicationConfig, ModulesContainer],
};

function refuseSecondImport(modules: ModulesContainer): void {
  const imported = [...modules.values()].filter(
    ({ metatype }) => metatype === EventTrackingCoreModule,
  );
  if (imported.length > 1) {
    throw new ImproperlyConfigured(
      `EventTrackingModule is imported ${imported.length} times in one application. Import forRoot() or forRootAsync() ` +
        `once, in the root module; further destinations go into its backends, further trackers into its trackers.`,
    );
  }
}

/** What is exposed has to be configured; Nest has made tokens of it before the configuration was known. */
function refuseUnknownNames({ trackers, backends }: CoreModuleParts, blueprint: Blueprint): void {
  if (blueprint.options.enabled === false) return;
  for (const name of trackers) {
    if (!blueprint.trackers.has(name)) {
      throw new ImproperlyConfigured(
        `expose.trackers: the tracker '${name}' is not configured. Configured are: ` +
          `${[...blueprint.trackers.keys()].join(', ')}.`,
      );
    }
  }
  for (const { tracker, path } of backends) {
    const root = blueprint.trackers.get(tracker);
    if (root === undefined || partAt(root, path) === undefined) {
      const known = root === undefined ? [] : pathsOf(root);
      throw new ImproperlyConfigured(
        `expose.backends: the tracker '${tracker}' has no backend '${path}' configured. ` +
          `Configured are: ${known.length === 0 ? 'none' : known.join(', ')}.`,
      );
    }
  }
}
