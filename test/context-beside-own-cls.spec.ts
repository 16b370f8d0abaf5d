import {
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  UseGuards,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ClsModule, ClsService, type ClsModuleOptions } from 'nestjs-cls';
import { EventTrackingModule, TrackContext, Tracker } from 'nestjs-event-tracking';
import { describe, expect, it } from 'vitest';
import { expectedContexts, runProgram, writeProgram } from './support/context-program.js';
import { ADAPTERS, listen, Recorder } from './support/http-application.js';

@Injectable()
class TenantGuard implements CanActivate {
  constructor(private readonly cls: ClsService) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (this.cls.isActive()) this.cls.set('tenantId', headers['x-tenant']);
    return true;
  }
}

@Controller()
@UseGuards(TenantGuard)
class ProgramsController {
  constructor(
    private readonly tracker: Tracker,
    private readonly cls: ClsService,
  ) {}

  @Get('program/:seed')
  @TrackContext('program', ({ args: [seed] }) => ({ program: seed }))
  async run(@Param('seed') seed: string): Promise<string> {
    this.cls.set('user', { id: `user-${seed}`, password: 'secret' });
    await runProgram(this.tracker, writeProgram(Number(seed), 2), 'step');
    return seed;
  }
}

/** Every way to mount an application's own CLS. */
const MOUNTS: Record<string, ClsModuleOptions> = {
  middleware: { middleware: { mount: true } },
  guard: { guard: { mount: true } },
  interceptor: { interceptor: { mount: true } },
  'middleware with enterWith': { middleware: { mount: true, useEnterWith: true } },
};

describe.each(ADAPTERS)('Request context on %s', (adapter) => {
  describe.each(Object.entries(MOUNTS))(
    'with an application’s own CLS mounted as %s',
    (mount, options) => {
      it.each(['before', 'after'])(
        'is exact if ClsModule is imported %s EventTrackingModule',
        async (order) => {
          const recorder = new Recorder();
          const cls = ClsModule.forRoot({ global: true, ...options });
          const tracking = EventTrackingModule.forRoot({
            backends: { recorder },
            context: {
              request: ({ headers }: { headers: Record<string, string> }) => ({
                request_id: headers['x-request-id'],
              }),
              cls: ['tenantId', 'user.id'],
            },
          });
          await using served = await listen(
            adapter,
            appOf(order === 'before' ? [cls, tracking] : [tracking, cls]),
          );
          const seeds = Array.from({ length: 50 }, (_, seed) => String(seed));
          await Promise.all(
            seeds.map((seed) =>
              fetch(`${served.url}/program/${seed}`, {
                headers: { 'x-request-id': `request-${seed}`, 'x-tenant': `tenant-${seed}` },
              }),
            ),
          );
          for (const seed of seeds) {
            const outer = {
              request_id: `request-${seed}`,
              program: seed,
              user: { id: `user-${seed}` },
              // Guards run before interceptors, so the CLS is not active when the guard runs.
              ...(mount === 'interceptor' ? {} : { tenantId: `tenant-${seed}` }),
            };
            const actual = recorder
              .ofRequest(outer.request_id)
              .map(({ data, context }) => [data['path'], context] as const);
            expect(new Map(actual)).toEqual(expectedContexts(writeProgram(Number(seed), 2), outer));
          }
        },
      );
    },
  );
});

function appOf(imports: DynamicModule[]): Type {
  @Module({
    imports,
    controllers: [ProgramsController],
  })
  class AppModule {}
  return AppModule;
}
