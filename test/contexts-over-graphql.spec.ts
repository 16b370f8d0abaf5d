import { once } from 'node:events';
import { Injectable, Module } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  GraphQLModule,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import type { PubSub } from 'mercurius';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { listen, Recorder, type HttpApplication } from './support/http-application.js';

const recorder = new Recorder();

@ObjectType()
class Course {
  @Field()
  id!: string;

  @Field()
  title?: string;
}

/** Loads titles in batches, as DataLoader does: in a later phase of the event loop. */
class TitleLoader {
  #waiting: { id: string; resolve: (title: string) => void }[] = [];

  constructor(private readonly tracker: Tracker) {}

  load(id: string): Promise<string> {
    if (this.#waiting.length === 0)
      void Promise.resolve().then(() => process.nextTick(() => this.#loadAll()));
    return new Promise((resolve) => this.#waiting.push({ id, resolve }));
  }

  #loadAll(): void {
    const batch = this.#waiting.splice(0);
    this.tracker.emit('titles.loaded', { ids: batch.map(({ id }) => id) });
    for (const { id, resolve } of batch) resolve(`Course ${id}`);
  }
}

interface GraphqlContext {
  pubsub: PubSub;
  titles?: TitleLoader;
}

@Injectable()
@Resolver(() => Course)
class CoursesResolver {
  constructor(private readonly tracker: Tracker) {}

  @Query(() => [Course])
  courses(@Args('ids', { type: () => [String] }) ids: string[]): Course[] {
    this.tracker.emit('courses.listed');
    return ids.map((id) => ({ id }));
  }

  @ResolveField(() => String)
  title(@Parent() { id }: Course, @Context() context: GraphqlContext): Promise<string> {
    this.tracker.emit('title.read', { id });
    context.titles ??= new TitleLoader(this.tracker);
    return context.titles.load(id);
  }

  @Mutation(() => Boolean)
  async open(@Args('id') id: string, @Context('pubsub') pubsub: PubSub): Promise<boolean> {
    this.tracker.enterContext('opened', { opened: id });
    this.tracker.emit('course.opened');
    await new Promise<void>((resolve) =>
      pubsub.publish({ topic: 'opened', payload: { opened: { id } } }, () => resolve()),
    );
    return true;
  }

  @Subscription(() => Course)
  opened(@Context('pubsub') pubsub: PubSub) {
    this.tracker.emit('subscribed');
    return pubsub.subscribe('opened');
  }
}

describe.each([
  { name: 'with interceptors', enhancers: ['interceptors'] as const },
  { name: 'without enhancers', enhancers: [] },
])('Resolvers of fields, $name,', ({ enhancers }) => {
  let served: HttpApplication;

  beforeAll(async () => {
    @Module({
      imports: [
        GraphQLModule.forRoot<MercuriusDriverConfig>({
          driver: MercuriusDriver,
          autoSchemaFile: true,
          subscription: true,
          fieldResolverEnhancers: [...enhancers],
        }),
        EventTrackingModule.forRoot({ backends: { recorder } }),
      ],
      providers: [CoursesResolver],
    })
    class AppModule {}
    served = await listen('Fastify', AppModule);
  });

  afterAll(() => served.app.close());

  beforeEach(() => recorder.clear());

  const query = async (text: string, id: string): Promise<unknown> => {
    const response = await fetch(`${served.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      body: JSON.stringify({ query: text }),
    });
    return ((await response.json()) as { data: unknown }).data;
  };

  it('and batches of loaders have the context of their operation', async () => {
    const ids = Array.from({ length: 20 }, (_, id) => `request ${id}`);
    await Promise.all(
      ids.map((id) => query(`{ courses(ids: ["${id} a", "${id} b"]) { title } }`, id)),
    );
    for (const id of ids) {
      expect(recorder.ofRequest(id).map(({ name, data }) => [name, data])).toEqual([
        ['courses.listed', {}],
        ['title.read', { id: `${id} a` }],
        ['title.read', { id: `${id} b` }],
        ['titles.loaded', { ids: [`${id} a`, `${id} b`] }],
      ]);
    }
  });

  it('never have the context of the request that published to a subscription', async () => {
    const socket = new WebSocket(
      `${served.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
    );
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    const payload = { query: 'subscription { opened { id title } }' };
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
    await expect.poll(() => recorder.named('subscribed')).toHaveLength(1);
    const received = once(socket, 'message');
    expect(await query('mutation { open(id: "7") }', 'publisher')).toEqual({ open: true });
    const [text] = (await received) as [Buffer];
    expect(JSON.parse(text.toString())).toMatchObject({
      payload: { data: { opened: { id: '7', title: 'Course 7' } } },
    });
    socket.close();
    expect(recorder.ofRequest('publisher').map(({ name }) => name)).toEqual(['course.opened']);
    for (const name of ['subscribed', 'title.read', 'titles.loaded']) {
      const { context } = recorder.only(name);
      // The request that opened the socket.
      expect(context, name).toMatchObject({ method: 'GET', path: '/graphql' });
      expect(context, name).not.toHaveProperty('opened');
    }
  });
});
