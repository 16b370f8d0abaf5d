import { Module } from '@nestjs/common';
import {
  Args,
  Field,
  GraphQLModule,
  ObjectType,
  Mutation,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import {
  EmitEvent,
  EventTrackingModule,
  TrackContext,
  Tracker,
  type MethodCall,
} from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen, Recorder, type HttpApplication } from './support/http-application.js';

const recorder = new Recorder();

@ObjectType()
class Course {
  @Field()
  id!: string;

  @Field()
  title?: string;
}

@Resolver(() => Course)
class CoursesResolver {
  constructor(private readonly tracker: Tracker) {}

  @Query(() => Course)
  @TrackContext('course', ({ args: [id] }) => ({ course_id: id as string }))
  @EmitEvent('course.read', {
    data: ({ args: [id], executionContext }: MethodCall) => ({
      id,
      type: executionContext?.getType(),
    }),
  })
  async course(@Args('id') id: string): Promise<Course> {
    await new Promise((resolve) => setTimeout(resolve, id.length));
    this.tracker.emit('course.found', { id });
    return { id };
  }

  @ResolveField(() => String)
  @TrackContext('field', ({ args: [course] }) => ({ field_of: (course as Course).id }))
  @EmitEvent('title.read', {
    data: ({ args: [course], executionContext }: MethodCall) => ({
      id: (course as Course).id,
      type: executionContext?.getType(),
    }),
  })
  async title(@Parent() course: Course): Promise<string> {
    await Promise.resolve();
    return `Course ${course.id}`;
  }

  @Mutation(() => Boolean)
  @TrackContext()
  @EmitEvent('course.failed', {
    on: 'error',
    data: ({ error }) => ({ message: (error as Error).message }),
  })
  async fail(): Promise<boolean> {
    await Promise.resolve();
    throw new Error('no');
  }
}

@Module({
  imports: [
    GraphQLModule.forRoot<MercuriusDriverConfig>({
      driver: MercuriusDriver,
      autoSchemaFile: true,
      // By default, Nest runs no interceptors for fields, which then have no execution context.
      fieldResolverEnhancers: ['interceptors'],
    }),
    EventTrackingModule.forRoot({
      backends: { recorder },
      context: {
        request: ({ headers }: { headers: Record<string, string> }) => ({
          request_id: headers['x-request-id'],
        }),
      },
    }),
  ],
  providers: [CoursesResolver],
})
class AppModule {}

describe('Decorators over GraphQL', () => {
  let served: HttpApplication;

  beforeAll(async () => {
    served = await listen('Fastify', AppModule);
  });

  afterAll(() => served.app.close());

  beforeEach(() => recorder.clear());

  const query = async (
    text: string,
    id: string,
  ): Promise<{ data: unknown; errors?: unknown[] }> => {
    const response = await fetch(`${served.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      body: JSON.stringify({ query: text }),
    });
    return (await response.json()) as { data: unknown };
  };

  it('separate the contexts of 50 users and of their parallel resolvers', async () => {
    const users = Array.from({ length: 50 }, (_, user) => `${user}`);
    await Promise.all(
      users.map(async (user) => {
        const { data } = await query(
          `{ a: course(id: "a${user}") { title } b: course(id: "b${user}") { title } }`,
          user,
        );
        expect(data).toEqual({ a: { title: `Course a${user}` }, b: { title: `Course b${user}` } });
      }),
    );
    expect(recorder.events).toHaveLength(50 * 6);
    for (const { name, data, context } of recorder.events) {
      const id = String(data['id']);
      const request = { request_id: id.slice(1) };
      expect(context).toEqual(
        name === 'title.read' ? { ...request, field_of: id } : { ...request, course_id: id },
      );
      if (name !== 'course.found') expect(data['type']).toBe('graphql');
    }
  });

  it('emit events for a resolver that fails', async () => {
    const { errors } = await query('mutation { fail }', 'failing');
    expect(errors).toHaveLength(1);
    expect(recorder.only('course.failed')).toMatchObject({
      data: { message: 'no' },
      context: { request_id: 'failing', handler: 'CoursesResolver.fail' },
    });
  });
});
