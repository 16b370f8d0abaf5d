import {
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import { createServer } from 'node:net';
import { firstValueFrom, from, map, toArray } from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  TrackContextInterceptor,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Recorder } from './support/http-application.js';

const recorder = new Recorder();

const UUID: unknown = expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/);

interface Message {
  user: string;
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly tracker: Tracker) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() === 'rpc') this.tracker.emit('guarded');
    return true;
  }
}

@Controller()
@UseGuards(Guard)
class MessagesController {
  constructor(private readonly tracker: Tracker) {}

  @MessagePattern('enrol')
  @TrackContext('user', ({ args: [message] }) => ({ user_id: (message as Message).user }))
  @EmitEvent('enrolled', {
    data: ({ result, executionContext }: MethodCall) => ({
      result,
      type: executionContext?.getType(),
    }),
  })
  async enrol(@Payload() { user }: Message): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, Number(user) % 5));
    this.tracker.emit('seated', { user });
    return user;
  }

  @MessagePattern('count')
  @TrackContext('user', ({ args: [message] }) => ({ user_id: (message as Message).user }))
  @EmitEvent('counted', { data: ({ result }) => ({ last: result as string }) })
  count(@Payload() { user }: Message) {
    return from([1, 2]).pipe(map((nth) => `${user}/${nth}`));
  }

  @EventPattern('left')
  @UseInterceptors(
    new TrackContextInterceptor('message', (context) => ({
      left: context.switchToRpc().getData<Message>().user,
    })),
  )
  @EmitEvent('left')
  left(@Payload() _message: Message): void {}

  @Get('here')
  @EmitEvent('asked', {
    data: ({ executionContext }: MethodCall) => ({ type: executionContext?.getType() }),
  })
  here(): string {
    return 'here';
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
  controllers: [MessagesController],
  providers: [Guard],
})
class AppModule {}

describe.each(['alone', 'hybrid'] as const)('Decorators over a TCP microservice, %s,', (kind) => {
  let client: ClientProxy;
  let stop: () => Promise<void>;
  let url = '';

  beforeAll(async () => {
    const port = await freePort();
    const transport = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port } };
    if (kind === 'alone') {
      const app = await NestFactory.createMicroservice(AppModule, { ...transport, logger: false });
      await app.listen();
      stop = () => app.close();
    } else {
      const app = await NestFactory.create(AppModule, { logger: false });
      app.connectMicroservice(transport, { inheritAppConfig: true });
      await app.startAllMicroservices();
      await app.listen(0, '127.0.0.1');
      url = await app.getUrl();
      stop = () => app.close();
    }
    client = ClientProxyFactory.create(transport);
    await client.connect();
  });

  afterAll(async () => {
    await client.close();
    await stop();
  });

  beforeEach(() => recorder.clear());

  const users = Array.from({ length: 50 }, (_, user) => String(user));

  it('separate the contexts of 50 users', async () => {
    const answers = await Promise.all(
      users.map((user) => firstValueFrom(client.send<string>('enrol', { user }))),
    );
    expect(answers).toEqual(users);
    const ids = new Set<unknown>();
    for (const user of users) {
      const of = recorder.events.filter(({ context }) => context['user_id'] === user);
      const request_id = of[0]!.context['request_id'];
      ids.add(request_id);
      const request = { pattern: 'enrol', origin: 'server', request_id };
      expect(of.map(({ name, data, context }) => ({ name, data, context }))).toEqual([
        { name: 'seated', data: { user }, context: { ...request, user_id: user } },
        {
          name: 'enrolled',
          data: { result: user, type: 'rpc' },
          context: { ...request, user_id: user },
        },
      ]);
    }
    expect(ids.size).toBe(users.length);
  });

  it('work on handlers that return an Observable', async () => {
    const answers = await firstValueFrom(
      client.send<string>('count', { user: '7' }).pipe(toArray()),
    );
    expect(answers).toEqual(['7/1', '7/2']);
    expect(recorder.only('counted')).toMatchObject({
      data: { last: '7/2' },
      context: { user_id: '7', pattern: 'count' },
    });
  });

  it('work on message events and inside the context of an interceptor', async () => {
    await firstValueFrom(client.emit('left', { user: '7' }), { defaultValue: undefined });
    await expect.poll(() => recorder.named('left')).toHaveLength(1);
    expect(recorder.only('left').context).toEqual({
      pattern: 'left',
      origin: 'server',
      request_id: UUID,
      left: '7',
    });
  });

  it('provide the context of the message to guards', async () => {
    await firstValueFrom(client.send('enrol', { user: '7' }));
    expect(recorder.only('guarded').context).toEqual({
      pattern: 'enrol',
      origin: 'server',
      request_id: UUID,
    });
  });

  if (kind === 'hybrid') {
    it('work over HTTP in the same application', async () => {
      await fetch(`${url}/here`);
      expect(recorder.only('asked')).toMatchObject({
        data: { type: 'http' },
        context: { path: '/here' },
      });
    });
  }
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}
