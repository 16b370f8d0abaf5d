import { Body, Controller, Injectable, Module, Param, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  EmitEvent,
  InjectTracker,
  LoggerBackend,
  MemoryBackend,
  parseEvent,
  TrackContext,
  Tracker,
} from 'nestjs-event-tracking';
import {
  backendContract,
  eventMatchers,
  EventTrackingTestingModule,
  getRecordingToken,
  RecordingBackend,
  type ContractCase,
  type EventMatchers,
} from 'nestjs-event-tracking/testing';
import { describe, expect, it } from 'vitest';
import { RecordingLogger } from './support/recording-logger.js';

declare module 'vitest' {
  // Vitest declares the parameter in this way.
  // oxlint-disable-next-line typescript/no-explicit-any
  interface Matchers<T = any> extends EventMatchers<T> {}
}

expect.extend(eventMatchers);

@Injectable()
class CoursesService {
  constructor(
    private readonly tracker: Tracker,
    @InjectTracker('audit') private readonly audit: Tracker,
  ) {}

  @EmitEvent('course.enrolled', {
    data: ({ args: [id], result }: { args: [string]; result?: { seat: number } }) => ({
      course_id: id,
      seat: result?.seat,
    }),
  })
  async enrol(id: string): Promise<{ seat: number }> {
    this.tracker.emit('course.checked', { course_id: id });
    this.audit.emit('access.granted', { course_id: id });
    return { seat: 12 };
  }
}

@Controller('courses')
class CoursesController {
  constructor(private readonly courses: CoursesService) {}

  @Post(':id')
  @TrackContext()
  async enrol(@Param('id') id: string, @Body() _body: unknown): Promise<{ seat: number }> {
    return this.courses.enrol(id);
  }
}

@Module({ controllers: [CoursesController], providers: [CoursesService] })
class CoursesModule {}

describe('A unit test', () => {
  it('needs only the testing module and the service', async () => {
    const moduleRef = await Test.createTestingModule({
      imports: [EventTrackingTestingModule.forRoot({ trackers: ['audit'] })],
      providers: [CoursesService],
    }).compile();
    const recording = moduleRef.get(RecordingBackend);
    expect(recording).toHaveEmittedNothing();

    await moduleRef.get(CoursesService).enrol('DemoX');
    expect(recording).toHaveEmittedInOrder(['course.checked', 'course.enrolled']);
    expect(recording).toHaveEmitted('course.enrolled', { course_id: 'DemoX', seat: 12 });
    expect(recording).not.toHaveEmitted('access.granted');
    expect(moduleRef.get(getRecordingToken('audit'))).toHaveEmitted(
      'access.granted',
      { course_id: expect.any(String) as unknown },
      { times: 1 },
    );
  });

  it('can show that the code under test survives a failing destination', async () => {
    const logger = new RecordingLogger();
    const moduleRef = await Test.createTestingModule({
      imports: [EventTrackingTestingModule.forRoot({ trackers: ['audit'] })],
      providers: [CoursesService],
    })
      .setLogger(logger)
      .compile();
    const recording = moduleRef.get(RecordingBackend);
    recording.failNext(new Error('the destination is down'));
    expect(await moduleRef.get(CoursesService).enrol('DemoX')).toEqual({ seat: 12 });
    expect(recording.events.map(({ name }) => name)).toEqual(['course.enrolled']);
    expect(logger.complaints.join()).toContain('the destination is down');
  });
});

describe('An end-to-end test', () => {
  it('finds events with the context of their request', async () => {
    const moduleRef = await Test.createTestingModule({
      imports: [
        EventTrackingTestingModule.forRoot({
          trackers: ['audit'],
          context: { request: (_request, defaults) => ({ ...defaults, tenant: 'acme' }) },
        }),
        CoursesModule,
      ],
    }).compile();
    const app = moduleRef.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    try {
      await fetch(`${await app.getUrl()}/courses/DemoX`, { method: 'POST' });
    } finally {
      await app.close();
    }
    expect(app.get(RecordingBackend)).toHaveEmitted(
      'course.enrolled',
      { course_id: 'DemoX' },
      {
        context: {
          tenant: 'acme',
          method: 'POST',
          path: '/courses/DemoX',
          handler: 'CoursesController.enrol',
        },
        times: 1,
      },
    );
  });
});

function itKeeps(contract: readonly ContractCase[]): void {
  for (const { name, run } of contract) it(name, run);
}

describe('The backend contract', () => {
  const lines: string[] = [];
  const recorded: (RecordingBackend | MemoryBackend)[] = [];
  const keep = <T extends RecordingBackend | MemoryBackend>(backend: T): T => {
    recorded.push(backend);
    return backend;
  };
  const inMemory = {
    stored: async () => recorded.flatMap(({ events }) => events),
    cleanUp: async () => void recorded.splice(0),
    storesOnce: false,
    keepsReference: true,
  };

  describe('LoggerBackend', () => {
    const contract = backendContract({
      create: () => new LoggerBackend({ logger: { log: (line) => lines.push(line) } }),
      stored: async () => lines.filter((line) => !line.includes('metadata_record')).map(parseEvent),
      cleanUp: async () => void lines.splice(0),
      storesOnce: false,
    });
    itKeeps(contract);
  });

  describe('MemoryBackend', () => {
    const contract = backendContract({ ...inMemory, create: () => keep(new MemoryBackend()) });
    itKeeps(contract);
  });

  describe('RecordingBackend', () => {
    const contract = backendContract({ ...inMemory, create: () => keep(new RecordingBackend()) });
    itKeeps(contract);
  });
});
