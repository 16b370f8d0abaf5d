import { Module } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { EventTrackingModule, Tracker, type EventTrackingOptions } from 'nestjs-event-tracking';
import { describe, expect, it } from 'vitest';
import { listen, Recorder } from './support/http-application.js';

@Resolver()
class CoursesResolver {
  constructor(private readonly tracker: Tracker) {}

  @Query(() => String)
  course(): string {
    this.tracker.emit('course.found');
    return 'a course';
  }
}

describe('the name of a GraphQL operation', () => {
  it('is in the events of its resolvers', async () => {
    const recorder = await recordOperations({}, ['query ReadCourse { course }']);
    expect(recorder.only('course.found').context).toMatchObject({
      operation: 'ReadCourse',
      path: '/graphql',
    });
  });

  it('is left out if the operation has none', async () => {
    const recorder = await recordOperations({}, ['{ course }']);
    expect(recorder.only('course.found').context).not.toHaveProperty('operation');
  });

  it('is each operation’s own, also in a batch', async () => {
    const names = ['First', 'Second', 'Third'];
    const recorder = await recordOperations(
      {},
      names.map((name) => `query ${name} { course }`),
    );
    expect(recorder.events.map(({ context }) => context['operation']).sort()).toEqual(names.sort());
    expect(new Set(recorder.events.map(({ context }) => context['request_id'])).size).toBe(1);
  });

  it('is cut to 1 KB', async () => {
    const recorder = await recordOperations({}, [`query ${'O'.repeat(3000)} { course }`]);
    expect(recorder.only('course.found').context['operation']).toBe('O'.repeat(1024));
  });

  it('is passed to context.request with the defaults', async () => {
    const recorder = await recordOperations(
      { context: { request: (_request, { operation }) => ({ named: operation }) } },
      ['query ReadCourse { course }'],
    );
    expect(recorder.only('course.found').context).toEqual({ named: 'ReadCourse' });
  });

  it('is left out without a request context', async () => {
    const recorder = await recordOperations({ context: false }, ['query ReadCourse { course }']);
    expect(recorder.only('course.found').context).toEqual({});
  });
});

/** Sends the operations in one request. */
async function recordOperations(
  options: EventTrackingOptions,
  operations: readonly string[],
): Promise<Recorder> {
  const recorder = new Recorder();
  @Module({
    imports: [
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        autoSchemaFile: true,
        allowBatchedQueries: true,
      }),
      EventTrackingModule.forRoot({ ...options, backends: { recorder } }),
    ],
    providers: [CoursesResolver],
  })
  class AppModule {}
  await using served = await listen('Fastify', AppModule);
  const queries = operations.map((query) => ({ query }));
  const response = await fetch(`${served.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(queries.length === 1 ? queries[0] : queries),
  });
  expect(response.status).toBe(200);
  return recorder;
}
