import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  checkedTypes,
  type ContextType,
  type EventType,
} from '../../core/event-types/event-type.js';
import { TreeBuilder } from './tree-builder.js';
import { checkAsyncOptions, checkExtras, optionsProviders } from '../config/async-options.js';
import { pathsOf, readBlueprint } from '../config/blueprint.js';
import { EventTrackingCoreModule, type CoreModuleParts } from './event-tracking-core.module.js';
import type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleOptions,
} from '../config/event-tracking-options.js';
import { EventTypesModule } from './event-types.module.js';
import { BUILT_TREES, DEFAULT_TRACKER, OPTIONS } from '../tokens.js';
import { Shutdown } from './shutdown.js';

/** Behind all modules of the application that are not global, and before those that are. */
const LAST_BEFORE_GLOBAL_MODULES = Number.MAX_SAFE_INTEGER;

/**
 * Gives a Nest application its trackers.
 *
 * @remarks
 * Import it once, in the root module. `Tracker` can then be injected everywhere, requests are context, and the decorators
 * `@TrackContext()` and `@EmitEvent()` work on all that Nest makes.
 *
 * What is emitted until the application has shut down is delivered before any other module closes its connections. Nest runs
 * shutdown hooks on `app.close()`, and on signals after `app.enableShutdownHooks()`.
 * @example
 * ```ts
 * @Module({
 *   imports: [EventTrackingModule.forRoot({ backends: { log: new LoggerBackend() } })],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class EventTrackingModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #shutdown: Shutdown;

  constructor(modules: ModulesContainer, @Inject(BUILT_TREES) assembly: TreeBuilder) {
    this.#shutdown = new Shutdown(assembly.application, assembly);
    // Nest shuts modules down by their distance from the root: events of other modules' hooks are to be delivered.
    for (const module of modules.values()) {
      if (module.metatype === EventTrackingModule) module.distance = LAST_BEFORE_GLOBAL_MODULES;
    }
  }

  /**
   * Configures event tracking with what is known when the module is declared.
   *
   * @throws {@link ImproperlyConfigured} for a configuration that cannot work, with the place of the fault
   */
  static forRoot(options: EventTrackingModuleOptions = {}): DynamicModule {
    const { imports, isGlobal, ...rest } = options;
    checkExtras({ imports, isGlobal });
    const blueprint = readBlueprint(rest);
    const backends = [...blueprint.trackers].flatMap(([tracker, root]) =>
      pathsOf(root).map((path) => ({ tracker, path })),
    );
    return dynamicModule({
      imports,
      isGlobal,
      options: [{ provide: OPTIONS, useValue: rest }],
      trackers: Object.keys(rest.trackers ?? {}),
      backends,
    });
  }

  /**
   * Configures event tracking with what other providers know.
   *
   * @example
   * ```ts
   * EventTrackingModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ enabled: config.get('TRACKING') === 'on', backends: { … } }),
   *   expose: { backends: ['warehouse.mongo'] },
   * })
   * ```
   * @throws {@link ImproperlyConfigured} for what names no source of options, and for a key that nobody reads
   */
  static forRootAsync(options: EventTrackingModuleAsyncOptions): DynamicModule {
    checkAsyncOptions(options);
    const { imports, isGlobal, expose = {} } = options;
    return dynamicModule({
      imports,
      isGlobal,
      options: optionsProviders(options),
      trackers: expose.trackers ?? [],
      backends: (expose.backends ?? []).map((each) =>
        typeof each === 'string' ? { tracker: DEFAULT_TRACKER, path: each } : each,
      ),
    });
  }

  /**
   * Registers the types of events and contexts that a feature has, with all trackers of the application.
   *
   * @example
   * ```ts
   * @Module({
   *   imports: [EventTrackingModule.forFeature([CourseEnrolled, CourseContext])],
   *   providers: [CoursesService],
   * })
   * export class CoursesModule {}
   * ```
   * @throws {@link ImproperlyConfigured} for what is no type
   */
  static forFeature(types: readonly (EventType | ContextType)[]): DynamicModule {
    return EventTypesModule.of(checkedTypes(types, 'EventTrackingModule.forFeature'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#shutdown.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#shutdown.close();
  }
}

function dynamicModule(parts: CoreModuleParts): DynamicModule {
  return {
    module: EventTrackingModule,
    imports: [EventTrackingCoreModule.of(parts)],
    exports: [EventTrackingCoreModule],
  };
}
