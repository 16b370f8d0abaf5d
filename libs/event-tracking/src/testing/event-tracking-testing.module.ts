import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { ProcessorDefinition } from '../nest/config/definitions.js';
import type { EventTrackingOptions } from '../nest/config/event-tracking-options.js';
import { EventTrackingModule } from '../nest/module/event-tracking.module.js';
import { DEFAULT_TRACKER, getBackendToken } from '../nest/tokens.js';
import { RecordingBackend } from './recording-backend.js';

/** The options of {@link EventTrackingTestingModule.forRoot}. */
export interface EventTrackingTestingOptions {
  /**
   * The names of further trackers that the tested code uses.
   *
   * @default none
   */
  trackers?: readonly string[];
  /**
   * How a request becomes context, as in the options of {@link EventTrackingModule}.
   *
   * @default the default of {@link EventTrackingModule}
   */
  context?: EventTrackingOptions['context'];
  /**
   * The processors that each event of the default tracker passes before it is recorded.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
  /**
   * Event types and context types to register, in addition to those of `forFeature`.
   *
   * @default none
   */
  eventTypes?: EventTrackingOptions['eventTypes'];
  /**
   * Whether closing the application rejects if events violated their types.
   *
   * @default false
   */
  strict?: boolean;
}

const RECORDING = 'recording';

/**
 * Returns the injection token of the recording of a tracker of the testing module.
 *
 * @example
 * ```ts
 * const audit: RecordingBackend = moduleRef.get(getRecordingToken('audit'));
 * ```
 * @param tracker - the name of the tracker; the token of `default` is the class {@link RecordingBackend}
 */
export function getRecordingToken(
  tracker: string = DEFAULT_TRACKER,
): InjectionToken<RecordingBackend> {
  return tracker === DEFAULT_TRACKER
    ? RecordingBackend
    : (getBackendToken(RECORDING, tracker) as InjectionToken<RecordingBackend>);
}

/**
 * Replaces {@link EventTrackingModule} in tests: its trackers record events instead of delivering them.
 *
 * @remarks
 * Each compiled module has its own recordings, which stay readable after it is closed. If the application
 * imports {@link EventTrackingModule} in a module of its own, replace that module with `overrideModule`.
 * @example A service
 * ```ts
 * const moduleRef = await Test.createTestingModule({
 *   imports: [EventTrackingTestingModule.forRoot()],
 *   providers: [CoursesService],
 * }).compile();
 * await moduleRef.get(CoursesService).enrol('DemoX');
 * expect(moduleRef.get(RecordingBackend)).toHaveEmitted('course.enrolled', { course_id: 'DemoX' });
 * ```
 * @example A whole application
 * ```ts
 * const moduleRef = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideModule(TrackingModule)
 *   .useModule(EventTrackingTestingModule.forRoot({ trackers: ['audit'] }))
 *   .compile();
 * const app = await moduleRef.createNestApplication().init();
 * ```
 */
@Module({})
export class EventTrackingTestingModule {
  /**
   * Configures trackers that record events.
   *
   * @throws {@link ImproperlyConfigured} if an option is invalid
   */
  static forRoot(options: EventTrackingTestingOptions = {}): DynamicModule {
    checkOptions(options, 'EventTrackingTestingModule', {
      trackers: true,
      context: true,
      processors: true,
      eventTypes: true,
      strict: true,
    });
    const { trackers = [], context, processors, eventTypes, strict } = options;
    if (!Array.isArray(trackers)) {
      throw new ImproperlyConfigured(
        `EventTrackingTestingModule: trackers must be an array of names; received ${describeValue(trackers)}.`,
      );
    }
    const backends = { [RECORDING]: { useFactory: () => new RecordingBackend() } };
    return {
      module: EventTrackingTestingModule,
      global: true,
      imports: [
        EventTrackingModule.forRoot({
          backends,
          processors,
          context,
          eventTypes,
          strict,
          trackers: Object.fromEntries(trackers.map((name) => [name, { backends }])),
        }),
      ],
      providers: [{ provide: RecordingBackend, useExisting: getBackendToken(RECORDING) }],
      exports: [RecordingBackend],
    };
  }
}
