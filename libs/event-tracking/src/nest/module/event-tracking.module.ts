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
import { pathsOf } from '../config/blueprint.js';
import { readBlueprint } from '../config/read-blueprint.js';
import {
  EventTrackingCoreModule,
  type CoreModuleDeclaration,
} from './event-tracking-core.module.js';
import type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleOptions,
} from '../config/event-tracking-options.js';
import { EventTypesModule } from './event-types.module.js';
import { BUILT_TREES, DEFAULT_TRACKER, OPTIONS } from '../tokens.js';
import { Shutdown } from './shutdown.js';

/** Orders a module's shutdown after all non-global modules and before global ones. */
const LAST_BEFORE_GLOBAL_MODULES = Number.MAX_SAFE_INTEGER;

/**
 * Adds event tracking to a Nest application.
 *
 * @remarks
 * Import it once, in the root module. `Tracker` is then injectable everywhere, requests provide
 * context, and the decorators `@TrackContext()` and `@EmitEvent()` work in every object that Nest
 * creates.
 *
 * Events emitted until the application has shut down are delivered before any other module closes
 * its connections. Nest runs shutdown hooks on `app.close()`, and on signals after
 * `app.enableShutdownHooks()`.
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

  constructor(modules: ModulesContainer, @Inject(BUILT_TREES) builder: TreeBuilder) {
    this.#shutdown = new Shutdown(builder.application, builder);
    // Nest shuts modules down in the order of their distance from the root. Events that other
    // modules' hooks emit must still be delivered, so this module comes late.
    for (const module of modules.values()) {
      if (module.metatype === EventTrackingModule) module.distance = LAST_BEFORE_GLOBAL_MODULES;
    }
  }

  /**
   * Configures event tracking with options that are available when the module is declared.
   *
   * @throws {@link ImproperlyConfigured} with the path of an invalid option
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
   * Configures event tracking with options that depend on other providers.
   *
   * @example
   * ```ts
   * EventTrackingModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     enabled: config.get('TRACKING') === 'on',
   *     backends: { … },
   *   }),
   *   expose: { backends: ['warehouse.mongo'] },
   * })
   * ```
   * @throws {@link ImproperlyConfigured} if the source of the options is missing or an option is
   * unknown
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
   * Registers the event and context types of a feature with all trackers of the application.
   *
   * @example
   * ```ts
   * @Module({
   *   imports: [EventTrackingModule.forFeature([CourseEnrolled, CourseContext])],
   *   providers: [CoursesService],
   * })
   * export class CoursesModule {}
   * ```
   * @throws {@link ImproperlyConfigured} if a value is not an event or context type
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

function dynamicModule(declaration: CoreModuleDeclaration): DynamicModule {
  return {
    module: EventTrackingModule,
    imports: [EventTrackingCoreModule.of(declaration)],
    exports: [EventTrackingCoreModule],
  };
}
