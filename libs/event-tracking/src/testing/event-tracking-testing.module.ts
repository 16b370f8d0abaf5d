import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { ProcessorDefinition } from '../nest/config/definitions.js';
import type { EventTrackingOptions } from '../nest/config/event-tracking-options.js';
import { EventTrackingModule } from '../nest/module/event-tracking.module.js';
import { DEFAULT_TRACKER, getBackendToken } from '../nest/tokens.js';
import { RecordingBackend } from './recording-backend.js';

/** What {@link EventTrackingTestingModule.forRoot} configures. */
export interface EventTrackingTestingOptions {
  /**
   * The names of further trackers that the code under test emits through.
   *
   * @default none
   */
  trackers?: readonly string[];
  /**
   * How a request becomes context, as in the application's own module.
   *
   * @default the module's own default
   */
  context?: EventTrackingOptions['context'];
  /**
   * The steps that each event of the default tracker takes before it is recorded.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
  /**
   * The types of events and contexts that the application's own module registers, besides those of `forFeature`.
   *
   * @default none
   */
  eventTypes?: EventTrackingOptions['eventTypes'];
  /**
   * Makes closing the application reject when events differed from what was agreed.
   *
   * @default false
   */
  strict?: boolean;
}

const RECORDING = 'recording';

/**
 * The injection token of what a tracker of the testing module records.
 *
 * @example
 * ```ts
 * const audit: RecordingBackend = moduleRef.get(getRecordingToken('audit'));
 * ```
 * @param tracker - defaults to `default`, whose token is the class {@link RecordingBackend} itself
 */
export function getRecordingToken(
  tracker: string = DEFAULT_TRACKER,
): InjectionToken<RecordingBackend> {
  return tracker === DEFAULT_TRACKER
    ? RecordingBackend
    : (getBackendToken(RECORDING, tracker) as InjectionToken<RecordingBackend>);
}

/**
 * Stands for {@link EventTrackingModule} in tests: trackers record what is emitted instead of delivering it.
 *
 * @remarks
 * Each module that is compiled has recordings of its own, which stay readable after it was closed. Where the application
 * configures event tracking in a module of its own, `overrideModule` exchanges it.
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
   * Configures trackers that record.
   *
   * @throws {@link ImproperlyConfigured} for processors and names of trackers that cannot work
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
        `EventTrackingTestingModule: trackers: expected an array of names, received ${describeValue(trackers)}.`,
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
