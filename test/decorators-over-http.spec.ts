import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { map, timer } from 'rxjs';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADAPTERS, listen, Recorder, type HttpApplication } from './support/http-application.js';

const recorder = new Recorder();
const calls = new Map<string, MethodCall>();
const keep = (name: string) => (call: MethodCall) => {
  calls.set(name, call);
  return {};
};

@Injectable()
class Allow implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** A third-party decorator that replaces the method by a function without name and metadata. */
function logged(_prototype: object, _key: string, descriptor: PropertyDescriptor): void {
  const original = descriptor.value as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(original, this, args);
  };
}

@Controller('courses')
class CoursesController {
  @Get('value/:id')
  @UseGuards(Allow)
  @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
  @EmitEvent('read', { data: ({ args, result }) => ({ args, result: result as string }) })
  value(@Param('id') id: string): string {
    return `course ${id}`;
  }

  @EmitEvent('read', { data: ({ args, result }) => ({ args, result: result as string }) })
  @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
  @Get('promise/:id')
  async promise(@Param('id') id: string): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, Number(id) % 7));
    return `course ${id}`;
  }

  @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
  @Get('observable/:id')
  @EmitEvent('read', { data: ({ args, result }) => ({ args, result: result as string }) })
  observable(@Param('id') id: string) {
    return timer(Number(id) % 7).pipe(map(() => `course ${id}`));
  }

  @Get('dispatched/:id')
  @EmitEvent('x', { data: keep('dispatched') })
  dispatched(@Param('id') id: string): string {
    return id;
  }

  @Get('logged/:id')
  @EmitEvent('x', { data: keep('logged') })
  @logged
  logged(@Param('id') id: string): string {
    return id;
  }

  @Get('calling/:id')
  @EmitEvent('x', { data: keep('calling') })
  calling(@Param('id') id: string): string {
    return this.dispatched(id);
  }

  @Get('recursive/:depth')
  @EmitEvent('x', { data: (call: MethodCall) => keep(`recursive ${String(call.args[0])}`)(call) })
  recursive(@Param('depth') depth: string): string {
    return depth === '0' ? 'end' : this.recursive(String(Number(depth) - 1));
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
@TrackContext()
class ScopedController {
  constructor(@Inject('REQUEST_NAME') readonly name: string) {}

  @Get(':id')
  @EmitEvent('read', { data: keep('scoped') })
  read(@Param('id') id: string): string {
    return id;
  }
}

@Module({
  imports: [
    EventTrackingModule.forRoot({
      backends: { recorder },
      context: {
        request: ({ headers }: { headers: Record<string, string> }) => ({
          request_id: headers['x-request-id'],
        }),
      },
    }),
  ],
  controllers: [CoursesController, ScopedController],
  providers: [Allow, { provide: 'REQUEST_NAME', scope: Scope.REQUEST, useFactory: () => 'name' }],
})
class AppModule {}

describe.each(ADAPTERS)('Decorators over HTTP on %s', (adapter) => {
  let served: HttpApplication;

  beforeEach(async () => {
    recorder.clear();
    calls.clear();
    served = await listen(adapter, AppModule);
  });

  afterEach(() => served.app.close());

  const get = async (path: string, id = 'any'): Promise<string> =>
    (await fetch(served.url + path, { headers: { 'x-request-id': id } })).text();

  it.each(['value', 'promise', 'observable'])(
    'separate the contexts of 50 users in handlers that return a %s',
    async (kind) => {
      const users = Array.from({ length: 50 }, (_, user) => String(user));
      const answers = await Promise.all(
        users.map((user) => get(`/courses/${kind}/${user}`, `request-${user}`)),
      );
      expect(answers).toEqual(users.map((user) => `course ${user}`));
      expect(recorder.events).toHaveLength(50);
      for (const { data, context } of recorder.events) {
        const [user] = data['args'] as [string];
        expect(data).toEqual({ args: [user], result: `course ${user}` });
        expect(context).toEqual({ request_id: `request-${user}`, course_id: user });
      }
    },
  );

  it('receive the execution context of a call that Nest dispatches', async () => {
    await get('/courses/dispatched/7');
    const { executionContext, ...call } = calls.get('dispatched')!;
    expect(call).toMatchObject({ args: ['7'], result: '7' });
    expect(call.instance).toBeInstanceOf(CoursesController);
    expect(executionContext!.getClass()).toBe(CoursesController);
    expect(executionContext!.getHandler().name).toBe('dispatched');
    expect(executionContext!.switchToHttp().getRequest<{ params: object }>().params).toEqual({
      id: '7',
    });
  });

  it('receive the execution context if another decorator has replaced the method', async () => {
    await get('/courses/logged/7');
    const { executionContext } = calls.get('logged')!;
    expect(executionContext!.getClass()).toBe(CoursesController);
  });

  it('receive no execution context if another handler of the request calls the handler', async () => {
    await get('/courses/calling/7');
    expect(calls.get('calling')).toHaveProperty('executionContext');
    expect(calls.get('dispatched')).not.toHaveProperty('executionContext');
  });

  it('receive no execution context if a handler calls itself', async () => {
    await get('/courses/recursive/2');
    expect([...calls].map(([name, call]) => [name, 'executionContext' in call])).toEqual([
      ['recursive 0', false],
      ['recursive 1', false],
      ['recursive 2', true],
    ]);
  });

  it('receive no execution context if code outside a request calls the handler', async () => {
    await get('/courses/dispatched/7');
    served.app.get(CoursesController).dispatched('8');
    expect(calls.get('dispatched')).not.toHaveProperty('executionContext');
  });

  it('work on request-scoped controllers and on classes', async () => {
    await Promise.all(['1', '2', '3'].map((id) => get(`/scoped/${id}`, `request-${id}`)));
    expect(recorder.events.map(({ context }) => context)).toEqual(
      expect.arrayContaining(
        ['1', '2', '3'].map((id) => ({
          request_id: `request-${id}`,
          handler: 'ScopedController.read',
        })),
      ),
    );
    expect(
      calls.get('scoped')!.executionContext satisfies ExecutionContext | undefined,
    ).toBeDefined();
  });
});
