import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { Tracker } from '../core/tracker/tracker.js';
import { EmitEvent } from '../nest/decorators/emit-event.decorator.js';
import { EventTrackingModule } from '../nest/module/event-tracking.module.js';
import { InjectTracker } from '../nest/decorators/inject.decorators.js';
import { EventTrackingTestingModule, getRecordingToken } from './event-tracking-testing.module.js';
import { RecordingBackend } from './recording-backend.js';

@Injectable()
class CoursesService {
  constructor(
    private readonly tracker: Tracker,
    @InjectTracker('audit') private readonly audit: Tracker,
  ) {}

  @EmitEvent('course.enrolled', { data: ({ args: [id] }) => ({ course_id: id as string }) })
  enrol(id: string): string {
    this.tracker.emit('course.checked', { course_id: id });
    this.audit.emit('access.granted', { course_id: id });
    return `seat in ${id}`;
  }

  @EmitEvent('course.left', { tracker: 'audit' })
  async leave(): Promise<void> {}
}

const names = ({ events }: RecordingBackend): string[] => events.map(({ name }) => name);

describe('EventTrackingTestingModule', () => {
  const imports = [EventTrackingTestingModule.forRoot({ trackers: ['audit'] })];
  const compile = () =>
    Test.createTestingModule({ imports, providers: [CoursesService] }).compile();

  it('records the events of services and decorators as soon as the module is compiled', async () => {
    const moduleRef = await compile();
    expect(moduleRef.get(CoursesService).enrol('DemoX')).toBe('seat in DemoX');
    await moduleRef.get(CoursesService).leave();
    const recording = moduleRef.get(RecordingBackend);
    expect(recording).toBeInstanceOf(RecordingBackend);
    expect(recording.events.map(({ name, data }) => [name, data])).toEqual([
      ['course.checked', { course_id: 'DemoX' }],
      ['course.enrolled', { course_id: 'DemoX' }],
    ]);
    const audit = moduleRef.get<RecordingBackend>(getRecordingToken('audit'));
    expect(names(audit)).toEqual(['access.granted', 'course.left']);
    expect(moduleRef.get(getRecordingToken())).toBe(recording);
    expect(moduleRef.get(Tracker).getBackend('recording')).toBe(recording);
  });

  it('creates separate recordings for each compiled module, even from one definition', async () => {
    const [one, two] = [await compile(), await compile()];
    one.get(CoursesService).enrol('DemoX');
    expect(one.get(RecordingBackend).events).toHaveLength(2);
    expect(two.get(RecordingBackend).events).toHaveLength(0);
    expect(two.get<RecordingBackend>(getRecordingToken('audit')).events).toHaveLength(0);
  });

  it('lets other providers inject the recording', async () => {
    @Injectable()
    class Looker {
      constructor(readonly recording: RecordingBackend) {}
    }
    @Module({ providers: [Looker], exports: [Looker] })
    class LookerModule {}
    const moduleRef = await Test.createTestingModule({
      imports: [...imports, LookerModule],
    }).compile();
    moduleRef.get(Tracker).emit('a');
    expect(names(moduleRef.get(Looker, { strict: false }).recording)).toEqual(['a']);
  });

  it('runs processors and simulates failures of a destination', async () => {
    @Injectable()
    class Enriching {
      process({ data }: { data: Record<string, unknown> }): void {
        data['enriched'] = true;
      }
    }
    const moduleRef = await Test.createTestingModule({
      imports: [
        EventTrackingTestingModule.forRoot({
          processors: [{ filter: ({ name }) => name !== 'secret' }, Enriching],
        }),
      ],
    }).compile();
    const tracker = moduleRef.get(Tracker);
    const recording = moduleRef.get(RecordingBackend);
    tracker.emit('secret');
    tracker.emit('open');
    expect(recording.events.map(({ name, data }) => ({ [name]: data }))).toEqual([
      { open: { enriched: true } },
    ]);
  });

  it('replaces a module of the application and stays readable after it is closed', async () => {
    let delivered = 0;
    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: { real: { send: () => void delivered++ } },
          trackers: { audit: {} },
        }),
      ],
    })
    class TrackingModule {}
    @Module({ imports: [TrackingModule], providers: [CoursesService] })
    class AppModule {}

    const moduleRef = await Test.createTestingModule({ imports: [AppModule] })
      .overrideModule(TrackingModule)
      .useModule(imports[0]!)
      .compile();
    await moduleRef.init();
    moduleRef.get(CoursesService).enrol('DemoX');
    const recording = moduleRef.get(RecordingBackend);
    await moduleRef.close();
    expect(names(recording)).toEqual(['course.checked', 'course.enrolled']);
    expect(delivered).toBe(0);
  });
});
