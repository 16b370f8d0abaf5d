import { runInThisContext } from 'node:vm';
import { Controller, Get, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { EventTrackingModule, TrackContext, Tracker } from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();

@Injectable()
class Jobs implements OnModuleInit {
  constructor(private readonly tracker: Tracker) {}

  onModuleInit(): void {
    this.tracker.enterContext('deployment', { release: 'v1' });
  }

  run(user: string): void {
    this.tracker.enterContext('user', { user });
  }

  @TrackContext('job', { job: 'decorated' })
  decorated(): void {
    this.tracker.enterContext('user', { user: 'ada' });
  }
}

@Controller()
class ReadController {
  constructor(private readonly tracker: Tracker) {}

  @Get()
  read(): string {
    this.tracker.enterContext('user', { user: 'ada' });
    return 'read';
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
  controllers: [ReadController],
  providers: [Jobs],
})
class AppModule {}

describe('A context that is entered outside any scope', () => {
  let logger: RecordingLogger;
  let close: () => Promise<void>;

  beforeEach(() => {
    logger = new RecordingLogger();
  });

  afterEach(() => close());

  const start = async (module = AppModule) => {
    const app = await NestFactory.createApplicationContext(module, { logger });
    close = () => app.close();
    await nextTurn();
    return app;
  };

  it('is reported once for each call site, with the remedy', async () => {
    const app = await start();
    for (const user of ['ada', 'ben']) app.get(Jobs).run(user);
    app.get(Tracker).enterContext('mistake', {});
    expect(logger.complaints).toEqual([
      expect.stringMatching(
        /^enterContext\('user'\) at \S*contexts-of-the-process\.spec\.ts:\d+:\d+ ran outside any scope: .* tracker\.context\(name, values, callback\) or @TrackContext\./,
      ),
      expect.stringMatching(/^enterContext\('mistake'\) at \S*contexts-of-the-process\.spec\.ts/),
    ]);
  });

  it('is reported for a scheduled job', async () => {
    @Injectable()
    class Reminders {
      constructor(private readonly tracker: Tracker) {}

      @Interval(1)
      remind(): void {
        this.tracker.enterContext('reminder', {});
      }
    }

    @Module({
      imports: [ScheduleModule.forRoot(), EventTrackingModule.forRoot()],
      providers: [Reminders],
    })
    class ScheduledModule {}
    await start(ScheduledModule);
    await expect.poll(() => logger.complaints).toHaveLength(1);
    expect(logger.complaints[0]).toContain("enterContext('reminder')");
  });

  it('is reported for a bounded number of call sites', async () => {
    const app = await start();
    const tracker = app.get(Tracker);
    for (let file = 0; file < 150; file++) {
      const enter = runInThisContext(`(tracker) => tracker.enterContext('c', {})`, {
        filename: `/jobs/${file}.js`,
      }) as (tracker: Tracker) => void;
      enter(tracker);
    }
    expect(logger.complaints).toHaveLength(100);
  });

  it('is not reported in a block, in a decorated method or in a request', async () => {
    const app = await NestFactory.create(AppModule, { logger });
    close = () => app.close();
    await app.listen(0, '127.0.0.1');
    const tracker = app.get(Tracker);
    tracker.context('block', {}, () => app.get(Jobs).run('ada'));
    app.get(Jobs).decorated();
    await fetch(await app.getUrl());
    expect(logger.complaints).toEqual([]);
  });

  it('is not reported before an HTTP application listens, and is afterwards', async () => {
    const app = await NestFactory.create(AppModule, { logger });
    close = () => app.close();
    const tracker = app.get(Tracker);
    tracker.enterContext('server', { server: 'a1' });
    await app.init();
    await nextTurn();
    tracker.enterContext('server', { server: 'a2' });
    await app.listen(0, '127.0.0.1');
    expect(logger.complaints).toEqual([]);
    tracker.enterContext('server', { server: 'a3' });
    expect(logger.complaints).toHaveLength(1);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
