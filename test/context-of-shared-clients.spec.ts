import { Controller, Get, Headers, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Client,
  ClientProxyFactory,
  ClientsModule,
  MessagePattern,
  Payload,
  Transport,
  type ClientOptions,
  type ClientProxy,
} from '@nestjs/microservices';
import { ClsModule, type ClsService } from 'nestjs-cls';
import { EventTrackingModule, Tracker, withContext } from 'nestjs-event-tracking';
import { tap, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from './services/free-port.js';
import { Recorder } from './support/http-application.js';
import { USERS } from './support/user-requests.js';

const SERVER: ClientOptions & { options: { port: number } } = {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: await freePort() },
};
const recorder = new Recorder();

@Injectable()
class HandMade {
  readonly client = ClientProxyFactory.create(SERVER);
}

@Controller()
class SumsController {
  @Client(SERVER) private readonly declared!: ClientProxy;
  private late: ClientProxy | undefined;

  constructor(
    @Inject('SUMS') private readonly registered: ClientProxy,
    @Inject('MADE') private readonly made: ClientProxy,
    private readonly handMade: HandMade,
    private readonly tracker: Tracker,
  ) {}

  @Get('registered')
  ofRegistered(@Headers('x-user') user: string): Observable<unknown> {
    return this.#seen(this.registered.send('sum', [1, 2]), user);
  }

  @Get('made')
  ofMade(@Headers('x-user') user: string): Observable<unknown> {
    return this.#seen(this.made.send('sum', [1, 2]), user);
  }

  @Get('declared')
  ofDeclared(@Headers('x-user') user: string): Observable<unknown> {
    return this.#seen(this.declared.send('sum', [1, 2]), user);
  }

  @Get('by-hand')
  byHand(@Headers('x-user') user: string): Observable<unknown> {
    return this.#seen(this.handMade.client.send('sum', [1, 2]), user);
  }

  @Get('emitted')
  emitted(@Headers('x-user') user: string): Observable<unknown> {
    return this.registered
      .emit('summed', [1, 2])
      .pipe(tap({ complete: () => this.tracker.emit('seen', { user }) }));
  }

  @Get('failing')
  failing(@Headers('x-user') user: string): Observable<unknown> {
    return this.registered
      .send('unknown', [1])
      .pipe(tap({ error: () => this.tracker.emit('seen', { user }) }));
  }

  @Get('late')
  ofLate(@Headers('x-user') user: string): Observable<unknown> {
    this.late ??= ClientProxyFactory.create(SERVER);
    return this.#seen(this.late.send('sum', [1, 2]).pipe(withContext()), user);
  }

  @MessagePattern('sum')
  sum(@Payload() values: number[]): number {
    return values.reduce((sum, value) => sum + value);
  }

  #seen(answer: Observable<unknown>, user: string): Observable<unknown> {
    return answer.pipe(tap(() => this.tracker.emit('seen', { user })));
  }
}

@Module({
  imports: [
    ClsModule.forRoot({
      global: true,
      middleware: {
        mount: true,
        setup: (store: ClsService, request: { headers: Record<string, string> }) =>
          store.set('tenant', request.headers['x-user']),
      },
    }),
    ClientsModule.register([{ name: 'SUMS', ...SERVER }]),
    EventTrackingModule.forRoot({
      backends: { recorder },
      context: {
        request: ({ headers }: { headers?: Record<string, string> }) => ({
          user_id: headers?.['x-user'],
        }),
        cls: ['tenant'],
      },
    }),
  ],
  controllers: [SumsController],
  providers: [HandMade, { provide: 'MADE', useFactory: () => ClientProxyFactory.create(SERVER) }],
})
class AppModule {}

describe('the context of answers that a shared microservice client receives', () => {
  let app: Awaited<ReturnType<typeof start>>;
  let url = '';

  beforeAll(async () => {
    app = await start(AppModule);
    url = await app.getUrl();
  });

  afterAll(() => app.close());

  it.each([
    ['of ClientsModule', 'registered'],
    ['of a factory provider', 'made'],
    ['of @Client()', 'declared'],
    ['that a provider created', 'by-hand'],
    ['whose events are acknowledged', 'emitted'],
    ['that receives an error', 'failing'],
    ['created in a request, behind withContext()', 'late'],
  ])('is the caller’s own for a client %s', async (_which, path) => {
    recorder.clear();
    await Promise.all(
      USERS.map((user) => fetch(`${url}/${path}`, { headers: { 'x-user': user } })),
    );
    const events = recorder.named('seen');
    expect(new Set(events.map(({ data }) => data['user']))).toEqual(new Set(USERS));
    for (const { data, context } of events) {
      const { user } = data;
      expect(context).toEqual({ user_id: user, tenant: user });
    }
  });

  it('is that of no request in listeners of the connection', async () => {
    const other = await NestFactory.create(AppModule, { logger: false });
    await other.listen(0, '127.0.0.1');
    const tracker = other.get(Tracker);
    other.get<ClientProxy>('MADE').status.subscribe(() => tracker.emit('status.changed'));
    recorder.clear();
    const headers = { 'x-user': 'ada' };
    await fetch(`${await other.getUrl()}/made`, { headers });
    await other.close();
    expect(recorder.only('seen').context).toEqual({ user_id: 'ada', tenant: 'ada' });
    expect(recorder.named('status.changed')).not.toHaveLength(0);
    for (const { context } of recorder.named('status.changed')) expect(context).toEqual({});
  });

  it('does not replace the methods of a double', async () => {
    const double = {
      routingMap: new Map(),
      send: vi.fn(),
      emit: vi.fn(),
      connect: vi.fn(),
      close: vi.fn(),
    };
    const { send, emit } = double;
    @Module({
      imports: [EventTrackingModule.forRoot({ backends: { recorder: new Recorder() } })],
      providers: [{ provide: 'SUMS', useValue: double }],
    })
    class DoubledModule {}
    const doubled = await NestFactory.createApplicationContext(DoubledModule, { logger: false });
    expect(double.send).toBe(send);
    expect(double.emit).toBe(emit);
    await doubled.close();
  });
});

async function start(module: Type) {
  const app = await NestFactory.create(module, { logger: false, forceCloseConnections: true });
  app.connectMicroservice(SERVER, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app;
}
