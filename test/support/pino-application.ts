import { Controller, Get, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { expect } from 'vitest';
import { listen, Recorder, type Adapter } from './http-application.js';

@Controller()
class CoursesController {
  constructor(private readonly tracker: Tracker) {}

  @Get('courses')
  read(): string {
    this.tracker.emit('courses.read');
    return 'courses';
  }
}

const lines: string[] = [];

/** Sends requests to an application with nestjs-pino; returns the ids of its events and its log. */
export async function sendBesidePino(
  adapter: Adapter,
  options: { genReqId?: () => string },
  requests: readonly Record<string, string>[],
): Promise<{ tracked: unknown[]; logged: unknown[] }> {
  const recorder = new Recorder();
  lines.length = 0;
  // All applications of a process share the logger of the first one, and so its stream.
  const stream = { write: (line: string) => lines.push(line) };
  @Module({
    imports: [
      // On Fastify its default routes match no request.
      LoggerModule.forRoot({ pinoHttp: [options, stream], forRoutes: ['{*path}'] }),
      EventTrackingModule.forRoot({ backends: { recorder } }),
    ],
    controllers: [CoursesController],
  })
  class AppModule {}
  await using served = await listen(adapter, AppModule);
  for (const headers of requests) await fetch(`${served.url}/courses`, { headers });
  await expect.poll(() => lines).toHaveLength(requests.length);
  return {
    tracked: recorder.events.map(({ context }) => context['request_id']),
    logged: lines.map((line) => (JSON.parse(line) as { req: { id: unknown } }).req.id),
  };
}
