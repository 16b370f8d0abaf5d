import { Controller, Get, Headers, Injectable, Module, type Type } from '@nestjs/common';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import type { Observable } from 'rxjs';
import { expect } from 'vitest';
import { listen, Recorder, type Adapter } from './http-application.js';

/** The work of one user's request, which may emit events `seen` with the user in their data. */
export type Work = (user: string, tracker: Tracker) => Promise<unknown> | Observable<unknown>;

export const USERS = Array.from({ length: 20 }, (_, user) => `user-${user}`);

@Injectable()
class CurrentWork {
  run: Work = async () => {};
}

@Controller()
class WorkController {
  constructor(
    private readonly tracker: Tracker,
    private readonly work: CurrentWork,
  ) {}

  @Get('work')
  get(@Headers('x-user') user: string): Promise<unknown> | Observable<unknown> {
    return this.work.run(user, this.tracker);
  }
}

/** An application whose requests do some work, each for a user who is in its context. */
export async function serveUsers(adapter: Adapter = 'Express', imports: Type[] = []) {
  const recorder = new Recorder();
  @Module({
    imports: [
      ...imports,
      EventTrackingModule.forRoot({
        backends: { recorder },
        context: {
          request: ({ headers }: { headers: Record<string, string> }) => ({
            user_id: headers['x-user'],
          }),
        },
      }),
    ],
    controllers: [WorkController],
    providers: [CurrentWork],
  })
  class AppModule {}
  const served = await listen(adapter, AppModule);
  return {
    served,
    recorder,
    /** Sends a request for each user at once, and awaits their answers. */
    async request(work: Work): Promise<void> {
      recorder.clear();
      served.app.get(CurrentWork).run = work;
      const answers = await Promise.all(
        USERS.map((user) => fetch(`${served.url}/work`, { headers: { 'x-user': user } })),
      );
      expect(answers.map(({ status }) => status)).toEqual(USERS.map(() => 200));
    },
    /** Fails unless there is an event of each user, and each has its own user's context. */
    expectOwnContexts(): void {
      const events = recorder.named('seen');
      expect(new Set(events.map(({ data }) => data['user']))).toEqual(new Set(USERS));
      for (const { data, context } of events) expect(context['user_id']).toBe(data['user']);
    },
    [Symbol.asyncDispose]: () => served.app.close(),
  };
}
