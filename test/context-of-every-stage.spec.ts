import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  Post,
  Body,
  RequestMethod,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type ExecutionContext,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventTrackingModule, TrackContextInterceptor, Tracker } from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EmittingFilter, EmittingInterceptor, EmittingPipe } from './support/emitting-stages.js';
import { ADAPTERS, listen, Recorder, type HttpApplication } from './support/http-application.js';

type NextFunction = (error?: unknown) => void;

const recorder = new Recorder();

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly tracker: Tracker) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    this.tracker.emit('guard');
    await Promise.resolve();
    const request = context
      .switchToHttp()
      .getRequest<{ user?: object; headers: Record<string, string> }>();
    request.user = { id: request.headers['x-user'] };
    return request.headers['x-user'] !== 'nobody';
  }
}

@Controller('stages')
@UseGuards(Guard)
@UseInterceptors(EmittingInterceptor)
class StagesController {
  constructor(private readonly tracker: Tracker) {}

  @Get(':id')
  @UsePipes(EmittingPipe)
  read(@Param('id') id: string): string {
    this.tracker.emit('handler');
    return id;
  }

  @Post()
  create(@Body() body: object): object {
    this.tracker.emit('handler');
    return body;
  }

  @Get('failing/:id')
  @UseFilters(EmittingFilter)
  fail(@Param('id') id: string): never {
    this.tracker.enterContext('failure', { failing: id });
    throw new Error('broken');
  }

  @Get('intercepted/:id')
  @UsePipes(EmittingPipe)
  @UseInterceptors(
    new TrackContextInterceptor('course', (context: ExecutionContext) => ({
      course_id: context.switchToHttp().getRequest<{ params: { id: string } }>().params.id,
    })),
    EmittingInterceptor,
  )
  intercepted(@Param('id') id: string): string {
    this.tracker.emit('handler');
    return id;
  }

  @Get('unmade/:id')
  @UseInterceptors(
    new TrackContextInterceptor('broken', () => {
      throw new Error('no context today');
    }),
  )
  unmade(@Param('id') id: string): string {
    this.tracker.emit('handler');
    return id;
  }
}

@Controller('promised')
class PromisedController {
  constructor(private readonly tracker: Tracker) {}

  @Get()
  @UseInterceptors(
    new TrackContextInterceptor('broken', () => Promise.reject(new Error('no context today'))),
  )
  promised(): string {
    this.tracker.emit('handler');
    return 'answered';
  }
}

@Controller()
class RootController {
  constructor(private readonly tracker: Tracker) {}

  @Get()
  root(): string {
    this.tracker.emit('handler');
    return 'root';
  }
}

@Module({
  imports: [
    EventTrackingModule.forRoot({
      backends: { recorder },
      context: {
        request: (request: { user?: { id?: string } }, { path, request_id }) => ({
          path,
          request_id,
          ...(request.user?.id === undefined ? {} : { user_id: request.user.id }),
        }),
      },
    }),
  ],
  controllers: [StagesController, PromisedController, RootController],
  providers: [Guard, EmittingPipe, { provide: APP_FILTER, useClass: EmittingFilter }],
})
class AppModule implements NestModule {
  constructor(private readonly tracker: Tracker) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((_request: unknown, _response: unknown, next: () => void) => {
        this.tracker.emit('module middleware');
        next();
      })
      .forRoutes('{*path}');
  }
}

describe.each(ADAPTERS)('On %s,', (adapter) => {
  let served: HttpApplication;

  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(served.url + path, { ...init, headers: { 'x-request-id': 'this one', ...headers } });

  beforeEach(async () => {
    recorder.clear();
    served = await listen(adapter, AppModule, (app) => {
      app.setGlobalPrefix('api', { exclude: [{ path: '/', method: RequestMethod.GET }] });
      const tracker = app.get(Tracker);
      app.use((_request: unknown, _response: unknown, next: () => void) => {
        tracker.emit('app.use');
        next();
      });
      app.use((request: NodeJS.EventEmitter, _response: unknown, next: () => void) => {
        const { headers } = request as unknown as { headers: Record<string, string> };
        if (headers['x-foreign'] === undefined) next();
        else callFromForeignTimer(next);
      });
      app.use((request: NodeJS.EventEmitter, _response: unknown, next: NextFunction) => {
        const { headers } = request as unknown as { headers: Record<string, string> };
        if (headers['x-foreign'] !== undefined) tracker.emit('later app.use');
        next(headers['x-foreign'] === 'failing' ? new Error('it fails') : undefined);
      });
    });
  });

  afterEach(() => served.app.close());

  const contexts = () =>
    Object.fromEntries(recorder.events.map(({ name, context }) => [name, context]));

  it('every stage has the request context, including properties that guards have added', async () => {
    expect((await ask('/api/stages/7', { 'x-user': 'ann' })).status).toBe(200);
    const known = { path: '/api/stages/7', request_id: 'this one' };
    expect(contexts()).toEqual({
      'app.use': known,
      'module middleware': known,
      guard: known,
      'interceptor.before': { ...known, user_id: 'ann' },
      pipe: { ...known, user_id: 'ann' },
      handler: { ...known, user_id: 'ann' },
      'interceptor.after': { ...known, user_id: 'ann' },
    });
  });

  it('the filter of a failing handler has the context that the handler entered', async () => {
    expect((await ask('/api/stages/failing/7', { 'x-user': 'ann' })).status).toBe(500);
    expect(recorder.only('filter').context).toEqual({
      path: '/api/stages/failing/7',
      request_id: 'this one',
      user_id: 'ann',
      failing: '7',
    });
  });

  it('the filter of a rejected request has the request context', async () => {
    expect((await ask('/api/stages/7', { 'x-user': 'nobody' })).status).toBe(403);
    expect(recorder.only('filter').context).toMatchObject({
      request_id: 'this one',
      path: '/api/stages/7',
    });
  });

  it('middleware and filter of an unknown route have the request context', async () => {
    expect((await ask('/api/nowhere')).status).toBe(404);
    expect(recorder.only('app.use').context).toEqual({
      request_id: 'this one',
      path: '/api/nowhere',
    });
    expect(recorder.only('filter').context).toEqual({
      request_id: 'this one',
      path: '/api/nowhere',
    });
  });

  it('the filter of a request with invalid JSON has the request context', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await ask('/api/stages', headers, { method: 'POST', body: '{"course": ' });
    expect(response.status).toBe(400);
    expect(recorder.only('filter').context).toEqual({
      request_id: 'this one',
      path: '/api/stages',
    });
  });

  it('a route excluded from the global prefix has the request context', async () => {
    expect((await ask('/')).status).toBe(200);
    expect(recorder.only('app.use').context).toEqual({ request_id: 'this one', path: '/' });
    expect(recorder.only('handler').context).toEqual({ request_id: 'this one', path: '/' });
  });

  it('the request context is restored after middleware calls next from a foreign callback', async () => {
    expect((await ask('/api/stages/7', { 'x-user': 'ann', 'x-foreign': 'yes' })).status).toBe(200);
    const known = { path: '/api/stages/7', request_id: 'this one' };
    expect(contexts()).toMatchObject({
      guard: known,
      pipe: { ...known, user_id: 'ann' },
      handler: { ...known, user_id: 'ann' },
    });
  });

  it('later middleware has the request context after a callback without context calls next', async () => {
    expect((await ask('/api/stages/7', { 'x-user': 'ann', 'x-foreign': 'yes' })).status).toBe(200);
    const known = { path: '/api/stages/7', request_id: 'this one' };
    expect(contexts()).toMatchObject({ 'later app.use': known, 'module middleware': known });
  });

  it.each([
    ['a route that does not exist', '/api/nowhere', 'yes', {}, 404],
    ['a middleware that fails', '/api/stages/7', 'failing', {}, 500],
    [
      'a body of invalid JSON',
      '/api/stages',
      'yes',
      { method: 'POST', body: '{"course": ', headers: { 'content-type': 'application/json' } },
      400,
    ],
  ])(
    'the filter of %s has the request context after a callback without context calls next',
    async (_what, path, foreign, { headers, ...init }: RequestInit, status) => {
      const all = { ...(headers as Record<string, string>), 'x-foreign': foreign };
      expect((await ask(path, all, init)).status).toBe(status);
      expect(recorder.only('filter').context).toEqual({ path, request_id: 'this one' });
    },
  );

  it('a request that is injected without the HTTP server has its context', async () => {
    const headers = { 'x-request-id': 'this one', 'x-user': 'ann' };
    if (adapter === 'Fastify') {
      const { app } = served as unknown as { app: NestFastifyApplication };
      expect((await app.inject({ url: '/api/stages/7', headers })).statusCode).toBe(200);
    } else {
      const instance = served.app.getHttpAdapter().getInstance() as RequestListener;
      const server = createServer(instance).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const response = await fetch(`http://127.0.0.1:${port}/api/stages/7`, { headers });
      server.closeAllConnections();
      server.close();
      expect(response.status).toBe(200);
    }
    const known = { path: '/api/stages/7', request_id: 'this one' };
    expect(contexts()).toMatchObject({ 'app.use': known, guard: known, handler: known });
  });

  it('the context of TrackContextInterceptor reaches pipes and inner interceptors only', async () => {
    await ask('/api/stages/intercepted/7', { 'x-user': 'ann' });
    const course = recorder.events.map(({ name, context }) => [name, context['course_id']]);
    expect(course).toEqual([
      ['app.use', undefined],
      ['module middleware', undefined],
      ['guard', undefined],
      ['interceptor.before', undefined],
      ['interceptor.before', '7'],
      ['pipe', '7'],
      ['handler', '7'],
      ['interceptor.after', '7'],
      ['interceptor.after', undefined],
    ]);
  });

  it('a handler runs without context if the factory of TrackContextInterceptor throws', async () => {
    expect(await (await ask('/api/stages/unmade/7', { 'x-user': 'ann' })).text()).toBe('7');
    expect(recorder.only('handler').context).toMatchObject({
      request_id: 'this one',
      user_id: 'ann',
    });
  });

  it('a handler runs without context if the factory of TrackContextInterceptor rejects', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      expect(await (await ask('/api/promised', { 'x-user': 'ann' })).text()).toBe('answered');
    } finally {
      process.off('unhandledRejection', unhandled);
    }
    expect(unhandled).not.toHaveBeenCalled();
    expect(recorder.only('handler').context).toMatchObject({ request_id: 'this one' });
  });
});

/** Callbacks to run from a timer that was started before any request. */
const waiting: (() => void)[] = [];
setInterval(() => {
  for (const proceed of waiting.splice(0)) proceed();
}, 1).unref();

function callFromForeignTimer(proceed: () => void): void {
  waiting.push(proceed);
}
