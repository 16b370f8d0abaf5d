import { once } from 'node:events';
import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { from, map } from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  TrackContextInterceptor,
  Tracker,
  UnknownContextError,
  type MethodCall,
} from 'nestjs-event-tracking';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { EmittingInterceptor, EmittingPipe } from './support/emitting-stages.js';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();

interface Message {
  id: string;
}

interface Handshake {
  headers: Record<string, string>;
}

/** The socket of a gateway's client, of ws or of socket.io. */
interface ServerSocket {
  handshake?: Handshake;
  send(text: string): void;
  emit(event: string, data: unknown): void;
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly tracker: Tracker) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await Promise.resolve();
    const { id } = context.switchToWs().getData<Message>();
    this.tracker.enterContext('guarded', { message: id });
    this.tracker.emit('guard');
    return id !== 'forbidden';
  }
}

@Injectable()
@Catch()
class Filter implements ExceptionFilter {
  constructor(private readonly tracker: Tracker) {}

  catch(_error: unknown, host: ArgumentsHost): void {
    this.tracker.emit('filter');
    const client = host.switchToWs().getClient<ServerSocket>();
    if (client.handshake === undefined)
      client.send(JSON.stringify({ event: 'answer', data: 'failed' }));
    else client.emit('answer', 'failed');
  }
}

@WebSocketGateway({ path: '/live' })
@UseGuards(Guard)
@UseInterceptors(EmittingInterceptor)
@UseFilters(Filter)
class LiveGateway {
  constructor(private readonly tracker: Tracker) {}

  afterInit(): void {
    this.tracker.enterContext('gateway', { gateway: 'live' });
  }

  async handleConnection(client: ServerSocket, request?: Handshake): Promise<void> {
    const { headers } = client.handshake ?? request!;
    this.tracker.enterContext('user', { user_id: headers['x-user'] });
    this.tracker.emit('connected');
    await Promise.resolve();
    this.tracker.enterContext('session', { session: `of ${headers['x-user']}` });
  }

  handleDisconnect(): void {
    this.tracker.emit('disconnected');
  }

  @SubscribeMessage('say')
  @UsePipes(EmittingPipe)
  async say(@MessageBody() { id }: Message) {
    await new Promise((resolve) => setTimeout(resolve, Number(id) % 3));
    this.tracker.emit('said', { id });
    return answer(id);
  }

  @SubscribeMessage('fail')
  fail(): never {
    this.tracker.enterContext('failure', { failing: true });
    throw new Error('broken');
  }

  @SubscribeMessage('stream')
  stream(@MessageBody() { id }: Message) {
    return from([1]).pipe(
      map((nth) => {
        this.tracker.emit('streamed', { nth });
        return answer(id);
      }),
    );
  }

  @SubscribeMessage('log out')
  logOut() {
    this.tracker.exitContext('user');
    try {
      this.tracker.exitContext('gateway');
    } catch (error) {
      return answer(error instanceof UnknownContextError ? error.message : 'another error');
    }
    return answer('no error');
  }

  @SubscribeMessage('decorated')
  @UseInterceptors(
    new TrackContextInterceptor('message', (context) => ({
      intercepted: context.switchToWs().getData<Message>().id,
    })),
  )
  @TrackContext('call', ({ args: [message], executionContext }: MethodCall) => ({
    called: (message as Message).id,
    pattern_of_call: executionContext?.switchToWs().getPattern(),
  }))
  @EmitEvent('decorated', {
    data: ({ executionContext }: MethodCall) => ({ handler: executionContext?.getHandler().name }),
  })
  decorated(@MessageBody() { id }: Message) {
    return answer(id);
  }
}

/** A second gateway of the same server, whose messages belong to the same connections. */
@WebSocketGateway({ path: '/live' })
class OtherGateway {
  constructor(private readonly tracker: Tracker) {}

  @SubscribeMessage('other')
  other(@MessageBody() { id }: Message) {
    this.tracker.emit('other');
    return answer(id);
  }
}

@WebSocketGateway({ path: '/live' })
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway {
  constructor(private readonly tracker: Tracker) {}

  @SubscribeMessage('scoped')
  scoped(@MessageBody() { id }: Message) {
    this.tracker.emit('scoped');
    return answer(id);
  }
}

@Controller()
class HttpController {
  constructor(private readonly tracker: Tracker) {}

  @Get()
  read(): string {
    this.tracker.emit('read');
    return 'read';
  }
}

function answer(data: unknown) {
  return { event: 'answer', data };
}

interface Client extends AsyncDisposable {
  ask(event: string, data: Message): Promise<unknown>;
}

async function connectWs(url: string, user: string): Promise<Client> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, {
    headers: { 'x-user': user },
  });
  await once(socket, 'open');
  return {
    async ask(event, data) {
      socket.send(JSON.stringify({ event, data }));
      const [text] = (await once(socket, 'message')) as [Buffer];
      return (JSON.parse(text.toString()) as { data: unknown }).data;
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

async function connectSocketIo(url: string, user: string): Promise<Client> {
  const socket: Socket = io(url, {
    path: '/live',
    transports: ['websocket'],
    extraHeaders: { 'x-user': user },
    forceNew: true,
  });
  await new Promise<void>((resolve) => socket.on('connect', resolve));
  return {
    ask(event, data) {
      const answered = new Promise((resolve) => socket.once('answer', resolve));
      socket.emit(event, data);
      return answered;
    },
    [Symbol.asyncDispose]() {
      socket.disconnect();
      return Promise.resolve();
    },
  };
}

describe.each([
  { name: 'ws', adapt: (app: INestApplication) => new WsAdapter(app), connect: connectWs },
  {
    name: 'socket.io',
    adapt: (app: INestApplication) => new IoAdapter(app),
    connect: connectSocketIo,
  },
])('The scope of a connection over $name', ({ adapt, connect }) => {
  const logger = new RecordingLogger();
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: { recorder },
          context: {
            request: (request: unknown, { pattern, path }, executionContext) => ({
              ...(pattern === undefined ? { path } : { pattern }),
              ...(isSocket(request) ? { dispatched: executionContext !== undefined } : {}),
            }),
          },
        }),
      ],
      controllers: [HttpController],
      providers: [
        LiveGateway,
        OtherGateway,
        ScopedGateway,
        Guard,
        EmittingInterceptor,
        EmittingPipe,
        Filter,
      ],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, { logger });
    app.useWebSocketAdapter(adapt(app));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(() => app.close());

  beforeEach(() => recorder.clear());

  afterEach(() => expect(logger.complaints).toEqual([]));

  const ofAda = { gateway: 'live', user_id: 'ada', session: 'of ada' };

  it('is around each stage of a message', async () => {
    await using ada = await connect(url, 'ada');
    expect(await ada.ask('say', { id: '1' })).toBe('1');
    await expect.poll(() => recorder.named('interceptor.after')).toHaveLength(1);
    const message = { ...ofAda, pattern: 'say', message: '1', dispatched: true };
    const [connected, ...events] = recorder.events;
    expect(connected).toMatchObject({
      name: 'connected',
      context: { gateway: 'live', user_id: 'ada' },
    });
    expect(events.map(({ name, context }) => [name, context])).toEqual([
      ['guard', message],
      ['interceptor.before', message],
      ['pipe', message],
      ['said', message],
      ['interceptor.after', message],
    ]);
  });

  it('is around the filter of a handler that fails', async () => {
    await using ada = await connect(url, 'ada');
    expect(await ada.ask('fail', { id: '1' })).toBe('failed');
    expect(recorder.only('filter').context).toMatchObject({
      ...ofAda,
      pattern: 'fail',
      message: '1',
      failing: true,
    });
  });

  it('is around the filter of a message that a guard rejects', async () => {
    await using ada = await connect(url, 'ada');
    expect(await ada.ask('say', { id: 'forbidden' })).toBe('failed');
    expect(recorder.only('filter').context).toMatchObject({ ...ofAda, message: 'forbidden' });
  });

  it('is around the Observable that a handler returns', async () => {
    await using ada = await connect(url, 'ada');
    expect(await ada.ask('stream', { id: '1' })).toBe('1');
    expect(recorder.only('streamed').context).toMatchObject({
      ...ofAda,
      pattern: 'stream',
      message: '1',
    });
  });

  it('is around request-scoped gateways, and around other gateways of the same server', async () => {
    await using ada = await connect(url, 'ada');
    await ada.ask('scoped', { id: '1' });
    await ada.ask('other', { id: '2' });
    expect(recorder.only('scoped').context).toMatchObject({ ...ofAda, pattern: 'scoped' });
    expect(recorder.only('other').context).toMatchObject({ ...ofAda, pattern: 'other' });
  });

  it('gives decorators the execution context of the call', async () => {
    await using ada = await connect(url, 'ada');
    await ada.ask('decorated', { id: '1' });
    await expect.poll(() => recorder.named('decorated')).toHaveLength(1);
    expect(recorder.only('decorated')).toMatchObject({
      data: { handler: 'decorated' },
      context: { ...ofAda, intercepted: '1', called: '1', pattern_of_call: 'decorated' },
    });
  });

  it('ends with the connection, and has none of the contexts of its messages', async () => {
    await (async () => {
      await using ada = await connect(url, 'ada');
      await ada.ask('say', { id: '1' });
    })();
    await expect.poll(() => recorder.named('disconnected')).toHaveLength(1);
    expect(recorder.only('disconnected').context).toEqual(ofAda);
  });

  it('lets a message exit the contexts of the connection, but none of the process', async () => {
    await using ada = await connect(url, 'ada');
    expect(await ada.ask('log out', { id: '1' })).toMatch(
      "The context 'gateway' belongs to the process and cannot be exited in a connection",
    );
    await ada.ask('say', { id: '2' });
    const { context } = recorder.only('said');
    expect(context).toMatchObject({ gateway: 'live', session: 'of ada' });
    expect(context).not.toHaveProperty('user_id');
  });

  it('never reaches other connections or HTTP requests', async () => {
    const users = Array.from({ length: 20 }, (_, user) => `user ${user}`);
    const clients = await Promise.all(users.map((user) => connect(url, user)));
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        ...clients.map((client, index) => client.ask('say', { id: `${index * 100 + round}` })),
        fetch(url),
      ]);
    }
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    expect(recorder.named('said')).toHaveLength(100);
    for (const { data, context } of recorder.named('said')) {
      const user = users[Math.floor(Number(data['id']) / 100)];
      expect(context).toMatchObject({ user_id: user, session: `of ${user}`, message: data['id'] });
    }
    expect(recorder.named('read')).toHaveLength(5);
    for (const { context } of recorder.named('read'))
      expect(context).toEqual({ gateway: 'live', path: '/' });
  });
});

function isSocket(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'emit' in request && 'send' in request;
}
