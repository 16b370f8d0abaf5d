import type { AddressInfo, Server as TcpServer } from 'node:net';
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
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestMicroservice,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  BaseRpcExceptionFilter,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Server,
  Transport,
  type ClientProxy,
  type CustomTransportStrategy,
} from '@nestjs/microservices';
import { firstValueFrom, from, tap, type Observable } from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  TrackContextInterceptor,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EmittingPipe } from './support/emitting-stages.js';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';

const recorder = new Recorder();

interface Message {
  id: string;
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly tracker: Tracker) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'rpc') return true;
    const { id } = context.switchToRpc().getData<Message>();
    this.tracker.enterContext('guarded', { message: id });
    this.tracker.emit('guard');
    return id !== 'forbidden';
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  constructor(private readonly tracker: Tracker) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    if (context.getType() !== 'rpc') return next.handle();
    this.tracker.emit('interceptor.before');
    return next.handle().pipe(tap(() => this.tracker.emit('interceptor.after')));
  }
}

@Injectable()
@Catch()
class Filter extends BaseRpcExceptionFilter {
  constructor(private readonly tracker: Tracker) {
    super();
  }

  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> {
    if (host.getType() === 'rpc') this.tracker.emit('filter');
    return super.catch(exception, host);
  }
}

@Controller()
@UseGuards(Guard)
@UseInterceptors(Interceptor)
@UseFilters(Filter)
class MessagesController {
  constructor(private readonly tracker: Tracker) {}

  @MessagePattern('pay')
  @UsePipes(EmittingPipe)
  async pay(@Payload() { id }: Message): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, Number(id) % 3));
    this.tracker.enterContext('payer', { payer: id });
    this.tracker.emit('paid', { id });
    return id;
  }

  @MessagePattern('stream')
  stream(@Payload() { id }: Message) {
    return from([id]).pipe(tap(() => this.tracker.emit('streamed')));
  }

  @MessagePattern('decorated')
  @UseInterceptors(
    new TrackContextInterceptor('message', (context) => ({
      intercepted: context.switchToRpc().getData<Message>().id,
    })),
  )
  @TrackContext('call', ({ args: [message] }) => ({ called: (message as Message).id }))
  @EmitEvent('decorated', {
    data: ({ executionContext }: MethodCall) => ({ handler: executionContext?.getHandler().name }),
  })
  decorated(@Payload() { id }: Message): string {
    return id;
  }

  @MessagePattern('import')
  import(@Payload() messages: Message[]): number {
    for (const { id } of messages)
      this.tracker.context('row', { row: id }, () => this.tracker.emit('imported'));
    return messages.length;
  }

  @EventPattern('left')
  left(@Payload() _message: Message): void {
    this.tracker.enterContext('first', { first: true });
    this.tracker.emit('left');
  }

  @EventPattern('left')
  leftToo(@Payload() _message: Message): void {
    this.tracker.emit('left too');
  }

  @Get()
  read(): string {
    this.tracker.emit('read');
    return 'read';
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedController {
  constructor(private readonly tracker: Tracker) {}

  @MessagePattern('scoped')
  scoped(@Payload() { id }: Message): string {
    this.tracker.emit('scoped');
    return id;
  }

  @EventPattern('left')
  leftScoped(@Payload() _message: Message): void {
    this.tracker.emit('left scoped');
  }
}

const controllers = [MessagesController, ScopedController];
const providers = [Guard, Interceptor, EmittingPipe, Filter];

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
  controllers,
  providers,
})
class AppModule {}

/** The context of every message. */
const OF_SERVER = { origin: 'server', request_id: expect.any(String) as string };

describe.each(['alone', 'connected to an application', 'connected with inheritAppConfig'] as const)(
  'The scope of a message of a microservice, %s,',
  (kind) => {
    const logger = new RecordingLogger();
    let client: ClientProxy;
    let url: string | undefined;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const transport = {
        transport: Transport.TCP as const,
        options: { host: '127.0.0.1', port: 0 },
      };
      let microservice: INestMicroservice;
      if (kind === 'alone') {
        microservice = await NestFactory.createMicroservice(AppModule, { ...transport, logger });
        await microservice.listen();
        close = () => microservice.close();
      } else {
        const app = await NestFactory.create(AppModule, { logger });
        const hybrid = kind === 'connected with inheritAppConfig' ? { inheritAppConfig: true } : {};
        microservice = app.connectMicroservice(transport, hybrid);
        await app.startAllMicroservices();
        await app.listen(0, '127.0.0.1');
        url = await app.getUrl();
        close = () => app.close();
      }
      const { port } = microservice.unwrap<TcpServer>().address() as AddressInfo;
      client = ClientProxyFactory.create({ ...transport, options: { host: '127.0.0.1', port } });
      await client.connect();
    });

    afterAll(async () => {
      await client.close();
      await close();
    });

    beforeEach(() => {
      recorder.clear();
      logger.complaints.length = 0;
    });

    const send = (pattern: string, data: unknown): Promise<unknown> =>
      firstValueFrom(client.send<unknown>(pattern, data));
    const contexts = () => recorder.events.map(({ name, context }) => [name, context]);

    it('is around each stage', async () => {
      expect(await send('pay', { id: '1' })).toBe('1');
      const context = { pattern: 'pay', ...OF_SERVER, message: '1' };
      expect(contexts()).toEqual([
        ['guard', context],
        ['interceptor.before', context],
        ['pipe', context],
        ['paid', { ...context, payer: '1' }],
        ['interceptor.after', { ...context, payer: '1' }],
      ]);
      expect(logger.complaints).toEqual([]);
    });

    it('is around the filter of a message that a guard rejects', async () => {
      await expect(send('pay', { id: 'forbidden' })).rejects.toMatchObject({ status: 'error' });
      expect(recorder.only('filter').context).toMatchObject({
        pattern: 'pay',
        message: 'forbidden',
      });
    });

    it('is around the Observable that a handler returns', async () => {
      expect(await send('stream', { id: '1' })).toBe('1');
      expect(recorder.only('streamed').context).toMatchObject({ pattern: 'stream', message: '1' });
    });

    it('is around request-scoped controllers', async () => {
      expect(await send('scoped', { id: '1' })).toBe('1');
      expect(recorder.only('scoped').context).toEqual({ pattern: 'scoped', ...OF_SERVER });
    });

    it('gives decorators the execution context of the call', async () => {
      await send('decorated', { id: '1' });
      expect(recorder.only('decorated')).toMatchObject({
        data: { handler: 'decorated' },
        context: { pattern: 'decorated', message: '1', intercepted: '1', called: '1' },
      });
      expect(logger.complaints).toEqual([]);
    });

    it('is one for each of the handlers of an event', async () => {
      await firstValueFrom(client.emit('left', { id: '1' }), { defaultValue: undefined });
      await expect.poll(() => recorder.named('left scoped')).toHaveLength(1);
      const context = { pattern: 'left', ...OF_SERVER };
      expect(recorder.only('left').context).toEqual({ ...context, message: '1', first: true });
      expect(recorder.only('left too').context).toEqual({ ...context, message: '1' });
      expect(recorder.only('left scoped').context).toEqual(context);
    });

    it('is one for a batch of messages, in which each may have a block of its own', async () => {
      expect(await send('import', [{ id: 'a' }, { id: 'b' }])).toBe(2);
      const context = { pattern: 'import', ...OF_SERVER };
      expect(recorder.named('imported').map((event) => event.context)).toEqual([
        { ...context, row: 'a' },
        { ...context, row: 'b' },
      ]);
    });

    it('never reaches other messages or HTTP requests', async () => {
      const ids = Array.from({ length: 100 }, (_, id) => String(id));
      await Promise.all(
        ids.flatMap((id) => [
          send('pay', { id }),
          ...(url === undefined || Number(id) % 10 > 0 ? [] : [fetch(url)]),
        ]),
      );
      for (const { data, context } of recorder.named('paid'))
        expect(context).toMatchObject({ message: data['id'], payer: data['id'] });
      expect(recorder.named('paid')).toHaveLength(100);
      for (const { context } of recorder.named('read')) {
        expect(context).not.toHaveProperty('payer');
        expect(context).not.toHaveProperty('message');
      }
      expect(logger.complaints).toEqual([]);
    });
  },
);

describe('The scope of a message of a strategy without contexts', () => {
  class Strategy extends Server implements CustomTransportStrategy {
    listen(started: () => void): void {
      started();
    }

    close(): void {}

    on(): void {}

    unwrap<T>(): T {
      return this as never;
    }

    async deliver(pattern: string, data: unknown): Promise<void> {
      const answer: unknown = await this.messageHandlers.get(pattern)!(data);
      await firstValueFrom(this.transformToObservable(answer), { defaultValue: undefined });
    }
  }

  it('has the pattern, even if the handler delivers further messages', async () => {
    recorder.clear();
    const strategy = new Strategy();

    @Controller()
    class RelayController {
      constructor(private readonly tracker: Tracker) {}

      @MessagePattern('outer')
      @EmitEvent('outer', {
        data: ({ executionContext }: MethodCall) => ({
          handler: executionContext?.getHandler().name,
        }),
      })
      async outer(@Payload() user: string): Promise<void> {
        this.tracker.enterContext('user', { user });
        await strategy.deliver('inner', user);
      }

      @MessagePattern('inner')
      @EmitEvent('inner')
      inner(): void {}
    }

    @Module({
      imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
      controllers: [RelayController],
    })
    class RelayModule {}
    const app = await NestFactory.createMicroservice(RelayModule, { strategy, logger: false });
    await app.listen();
    await strategy.deliver('outer', 'ada');
    await app.close();
    expect(recorder.events.map(({ name, data, context }) => ({ name, data, context }))).toEqual([
      { name: 'inner', data: {}, context: { pattern: 'inner', ...OF_SERVER } },
      {
        name: 'outer',
        data: { handler: 'outer' },
        context: { pattern: 'outer', ...OF_SERVER, user: 'ada' },
      },
    ]);
  });
});
