import { once } from 'node:events';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { from, map } from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Recorder } from './support/http-application.js';

const recorder = new Recorder();

interface Message {
  user: string;
}

@WebSocketGateway({ path: '/live' })
class LiveGateway {
  constructor(private readonly tracker: Tracker) {}

  @SubscribeMessage('enrol')
  @TrackContext('user', ({ args: [message] }) => ({ user_id: (message as Message).user }))
  @EmitEvent('enrolled', {
    data: ({ executionContext }: MethodCall) => ({ type: executionContext?.getType() }),
  })
  async enrol(@MessageBody() { user }: Message) {
    await new Promise((resolve) => setTimeout(resolve, Number(user) % 5));
    this.tracker.emit('seated', { user });
    return { event: 'enrolled', data: user };
  }

  @SubscribeMessage('count')
  @TrackContext('user', ({ args: [message] }) => ({ user_id: (message as Message).user }))
  @EmitEvent('counted', {
    data: ({ result }: MethodCall) => ({ last: (result as { data: number }).data }),
  })
  count(@MessageBody() { user }: Message) {
    return from([1, 2]).pipe(
      map((nth) => {
        this.tracker.emit('counting', { user, nth });
        return { event: 'counted', data: nth };
      }),
    );
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
  providers: [LiveGateway],
})
class AppModule {}

describe('Decorators over WebSockets', () => {
  let url: string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const app = await NestFactory.create(AppModule, { logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    url = `${(await app.getUrl()).replace('http', 'ws')}/live`;
    close = () => app.close();
  });

  afterAll(() => close());

  beforeEach(() => recorder.clear());

  const ask = async (event: string, data: Message, answers: number): Promise<unknown[]> => {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const received: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (text: Buffer) => {
        received.push((JSON.parse(text.toString()) as { data: unknown }).data);
        if (received.length === answers) resolve();
      });
    });
    socket.send(JSON.stringify({ event, data }));
    await all;
    socket.close();
    return received;
  };

  it('separate the contexts of 50 users', async () => {
    const users = Array.from({ length: 50 }, (_, user) => String(user));
    const answers = await Promise.all(users.map((user) => ask('enrol', { user }, 1)));
    expect(answers).toEqual(users.map((user) => [user]));
    for (const user of users) {
      const of = recorder.events.filter(({ context }) => context['user_id'] === user);
      const request_id = of[0]!.context['request_id'];
      expect(request_id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/);
      const context = { pattern: 'enrol', origin: 'server', request_id, user_id: user };
      expect(
        of.map(({ name, data, context: actual }) => ({ name, data, context: actual })),
      ).toEqual([
        { name: 'seated', data: { user }, context },
        { name: 'enrolled', data: { type: 'ws' }, context },
      ]);
    }
  });

  it('work on handlers that return an Observable', async () => {
    expect(await ask('count', { user: '7' }, 2)).toEqual([1, 2]);
    await expect.poll(() => recorder.named('counted')).toHaveLength(1);
    expect(recorder.events.map(({ name, context }) => [name, context['user_id']])).toEqual([
      ['counting', '7'],
      ['counting', '7'],
      ['counted', '7'],
    ]);
    expect(recorder.only('counted').data).toEqual({ last: 2 });
  });
});
