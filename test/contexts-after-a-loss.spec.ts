import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  Post,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type ExecutionContext,
  type MiddlewareConsumer,
  type NestModule,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Express, RequestHandler } from 'express';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EmittingFilter, EmittingInterceptor } from './support/emitting-stages.js';
import { ADAPTERS, listen, Recorder, type HttpApplication } from './support/http-application.js';

type Next = (error?: unknown) => void;

const recorder = new Recorder();
const outsideAnyRequest = new AsyncResource('outside any request');

/** Goes on from a callback that belongs to no request, as a callback of a pooled connection does. */
function loseContext(_request: unknown, _response: unknown, next: Next): void {
  outsideAnyRequest.runInAsyncScope(() => setImmediate(next));
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly tracker: Tracker) {}

  canActivate(context: ExecutionContext): boolean {
    this.tracker.emit('guard');
    return context.switchToHttp().getRequest<{ url: string }>().url !== '/stages/forbidden';
  }
}

@Injectable()
class Pipe implements PipeTransform {
  constructor(private readonly tracker: Tracker) {}

  transform(value: unknown): unknown {
    this.tracker.emit('pipe');
    if (value === 'malformed') throw new BadRequestException();
    return value;
  }
}

@Controller('stages')
@UseGuards(Guard)
@UseInterceptors(EmittingInterceptor)
class StagesController {
  constructor(private readonly tracker: Tracker) {}

  @Get(':id')
  @UsePipes(Pipe)
  async read(@Param('id') id: string): Promise<string> {
    this.tracker.emit('handler');
    await Promise.resolve();
    this.tracker.emit('handler.after');
    if (id === 'failing') throw new Error('broken');
    return id;
  }

  @Post()
  create(@Body() body: object): object {
    return body;
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { recorder } })],
  controllers: [StagesController],
  providers: [Guard, EmittingInterceptor, Pipe, { provide: APP_FILTER, useClass: EmittingFilter }],
})
class AppModule implements NestModule {
  constructor(private readonly tracker: Tracker) {}

  configure(consumer: MiddlewareConsumer): void {
    const emit = (name: string) => (_request: unknown, _response: unknown, next: Next) => {
      this.tracker.emit(name);
      next();
    };
    consumer
      .apply(emit('module middleware'), loseContext, emit('later module middleware'))
      .forRoutes('{*path}');
  }
}

function createExpress(answer: RequestHandler): Express {
  return new ExpressAdapter().getInstance<Express>().get('/', answer);
}

interface Init {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
}

/** Sends a request to an application and resolves to the status. */
type Send = (served: HttpApplication, path: string, init: Init) => Promise<number>;

const overHttp: Send = async ({ url }, path, init) => (await fetch(url + path, init)).status;

const byInject: Send = async ({ app }, path, { body, ...init }) => {
  const fastify = app as unknown as NestFastifyApplication;
  const payload = body === undefined ? {} : { payload: body };
  return (await fastify.inject({ url: path, ...init, ...payload })).statusCode;
};

/** Calls the Express instance without Nest's server, as serverless adapters do. */
const byInstance: Send = async ({ app }, path, init) => {
  const instance = app.getHttpAdapter().getInstance() as RequestListener;
  const server = createServer(instance).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, init);
  server.closeAllConnections();
  server.close();
  return status;
};

describe.each(
  ADAPTERS.flatMap((adapter) => [
    { adapter, way: 'over HTTP', send: overHttp },
    adapter === 'Express'
      ? { adapter, way: 'by a call of the instance', send: byInstance }
      : { adapter, way: 'by inject()', send: byInject },
  ]),
)('After a middleware lost the context of a request $way on $adapter,', ({ adapter, send }) => {
  let served: HttpApplication;

  beforeAll(async () => {
    served = await listen(adapter, AppModule, (app) => {
      const tracker = app.get(Tracker);
      app.use(loseContext);
      app.use((request: { url: string }, _response: unknown, next: Next) => {
        tracker.emit('later middleware');
        next(request.url === '/stages/refused' ? new Error('refused') : undefined);
      });
      if (adapter !== 'Express') return;
      const answer =
        (name: string): RequestHandler =>
        (_request, response) => {
          tracker.emit(name);
          response.send(name);
        };
      app.use('/router', loseContext, createExpress(answer('router')).router);
      app.use('/mounted', loseContext, createExpress(answer('mounted application')));
    });
  });

  afterAll(() => served.app.close());

  beforeEach(() => recorder.clear());

  const ask = (path: string, init: Init = {}) =>
    send(served, path, { ...init, headers: { 'x-request-id': 'this one', ...init.headers } });
  /** The names of the events, each of which must have the context of the request. */
  const stagesOf = (path: string) => {
    for (const { name, context } of recorder.events)
      expect(context, name).toMatchObject({ request_id: 'this one', path });
    return recorder.events.map(({ name }) => name);
  };

  const middleware = ['later middleware', 'module middleware', 'later module middleware'];

  it('each stage of a route finds it again', async () => {
    expect(await ask('/stages/7')).toBe(200);
    expect(stagesOf('/stages/7')).toEqual([
      ...middleware,
      'guard',
      'interceptor.before',
      'pipe',
      'handler',
      'handler.after',
      'interceptor.after',
    ]);
  });

  it.each([
    ['a handler that fails', '/stages/failing', 500],
    ['a guard that refuses', '/stages/forbidden', 403],
    ['a pipe that refuses', '/stages/malformed', 400],
    ['a middleware that fails', '/stages/refused', 500],
    ['a route that does not exist', '/nowhere', 404],
  ])('the filter of %s finds it again', async (_what, path, status) => {
    expect(await ask(path)).toBe(status);
    expect(stagesOf(path)).toContain('filter');
  });

  it('the filter of a body that cannot be parsed finds it again', async () => {
    const headers = { 'content-type': 'application/json' };
    expect(await ask('/stages', { method: 'POST', headers, body: '{"course": ' })).toBe(400);
    expect(stagesOf('/stages')).toContain('filter');
  });

  if (adapter === 'Express') {
    it('a router and a mounted application find it again', async () => {
      expect(await ask('/router')).toBe(200);
      expect(stagesOf('/router')).toEqual(['later middleware', 'router']);
      recorder.clear();
      expect(await ask('/mounted')).toBe(200);
      expect(stagesOf('/mounted')).toEqual(['later middleware', 'mounted application']);
    });
  }

  it('requests in parallel each find their own', async () => {
    const ids = Array.from({ length: 30 }, (_, id) => `request ${id}`);
    await Promise.all(
      ids.map((id) => send(served, '/stages/7', { headers: { 'x-request-id': id } })),
    );
    for (const id of ids) expect(recorder.ofRequest(id)).toHaveLength(9);
  });
});
