import { AsyncResource } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { expect, it } from 'vitest';
import { listen, Recorder } from './support/http-application.js';
import { ROOT } from './support/root.js';

@Controller()
class PagesController {
  constructor(private readonly tracker: Tracker) {}

  @Get('page')
  read(@Res({ passthrough: true }) { raw }: { raw: ServerResponse }): string {
    raw.once(
      'finish',
      AsyncResource.bind(() => this.tracker.emit('answered')),
    );
    return 'page';
  }
}

@Resolver()
class PagesResolver {
  constructor(private readonly tracker: Tracker) {}

  @Query(() => String)
  page(): string {
    this.tracker.emit('resolved');
    return 'page';
  }
}

it.each(['SECURITY.md', 'docs/guide/nest-module.md'])(
  '%s lists the keys of the default context, and no others',
  async (file) => {
    const recorder = new Recorder();
    @Module({
      imports: [
        GraphQLModule.forRoot<MercuriusDriverConfig>({
          driver: MercuriusDriver,
          autoSchemaFile: true,
        }),
        EventTrackingModule.forRoot({ backends: { recorder } }),
      ],
      controllers: [PagesController],
      providers: [PagesResolver],
    })
    class AppModule {}
    await using served = await listen('Fastify', AppModule);
    const headers = {
      accept: 'text/html',
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      cookie: 'session=secret',
      origin: 'https://shop.example',
      referer: 'https://shop.example/',
      'user-agent': 'a browser',
      'x-user': 'ada',
    };
    await fetch(`${served.url}/page?token=secret`, { headers });
    await fetch(`${served.url}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: 'query Page { page }' }),
    });
    await expect.poll(() => recorder.named('answered')).toHaveLength(1);
    const keys = new Set(recorder.events.flatMap(({ context }) => Object.keys(context)));
    expect(listedIn(file)).toEqual([...keys].sort());
    expect(JSON.stringify(recorder.events)).not.toContain('secret');
  },
);

/** Returns the keys of the first table with keys in a file. */
function listedIn(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const [table = ''] = text.match(/^\| Key .*\n(?:\|.*\n)+/m) ?? [];
  return [...table.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key!).sort();
}
