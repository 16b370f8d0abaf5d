import { EventEmitter, once } from 'node:events';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import mongoose, { type Connection } from 'mongoose';
import { Tracker, withContext, withoutContext } from 'nestjs-event-tracking';
import { from, map, share, shareReplay, Subject, take, tap, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { deferred } from './support/deferred.js';
import { databaseUri, dropMongo } from './support/mongo.js';
import { serveUsers, USERS } from './support/user-requests.js';

describe('the context of work that requests share', () => {
  let users: Awaited<ReturnType<typeof serveUsers>>;
  let upstream: Server;
  let upstreamUrl = '';

  beforeAll(async () => {
    users = await serveUsers();
    upstream = createServer((request, response) => {
      response.write('half ');
      setImmediate(() => response.end(request.url));
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    await users[Symbol.asyncDispose]();
    upstream.closeAllConnections();
    upstream.close();
  });

  it('is each request’s own in callbacks of an HTTP agent that keeps its only socket', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await users.request(async (user, tracker) => {
      const outgoing = get(`${upstreamUrl}/${user}`, { agent });
      outgoing.on('response', (response) => {
        response.on('data', () => tracker.emit('seen', { user }));
        response.on('end', () => tracker.emit('seen', { user }));
      });
      outgoing.on('close', () => tracker.emit('seen', { user }));
      await once(outgoing, 'close');
    });
    users.expectOwnContexts();
    agent.destroy();
  });

  it('is each request’s own after fetch, which shares connections', async () => {
    await users.request(async (user, tracker) => {
      const response = await fetch(`${upstreamUrl}/${user}`);
      tracker.emit('seen', { user });
      for await (const _chunk of response.body!) tracker.emit('seen', { user });
      tracker.emit('seen', { user });
    });
    users.expectOwnContexts();
  });

  it('is each request’s own after commands of an ioredis client that the first one connected', async () => {
    let redis: Redis | undefined;
    await users.request(async (user, tracker) => {
      redis ??= new Redis(inject('redisUrl'));
      await redis.set(`shared-work:${user}`, user);
      tracker.emit('seen', { user });
      const called = deferred();
      void redis.get(`shared-work:${user}`, () => {
        tracker.emit('seen', { user });
        called.resolve();
      });
      await called.promise;
      await redis.pipeline().del(`shared-work:${user}`).exec();
      tracker.emit('seen', { user });
    });
    users.expectOwnContexts();
    redis?.disconnect();
  });

  it('is that of the request that connected an ioredis client in its listeners', async () => {
    const message = await receiveMessage(users, (connect) => connect());
    expect(message.context['user_id']).toMatch(/^user-/);
  });

  it('is that of no request in listeners of an ioredis client connected by withoutContext', async () => {
    const message = await receiveMessage(users, withoutContext);
    expect(message.context).toEqual({});
  });

  it('is each request’s own after operations of a Mongoose connection that the first one opened', async () => {
    const uri = databaseUri();
    const own = users.served.app.get(Tracker);
    const schema = new mongoose.Schema({ user: String });
    schema.pre('save', function () {
      own.emit('seen', { user: this.user });
    });
    schema.post('save', ({ user }) => own.emit('seen', { user }));
    let connection: Connection | undefined;
    const connect = () => {
      connection = mongoose.createConnection(uri, { maxPoolSize: 2 });
      return connection.model('Visit', schema);
    };
    let visits: ReturnType<typeof connect> | undefined;
    await users.request(async (user, tracker) => {
      visits ??= connect();
      await visits.create({ user });
      tracker.emit('seen', { user });
      for await (const found of visits.find({ user }).cursor())
        tracker.emit('seen', { user: found.user });
      await visits.aggregate([{ $match: { user } }]).exec();
      tracker.emit('seen', { user });
    });
    users.expectOwnContexts();
    await dropMongo(connection!);
  });

  it('is that of the emitting request in listeners of an event emitter', async () => {
    const emitter = new EventEmitter();
    await users.request(async (user, tracker) => {
      if (emitter.listenerCount('visited') === 0) {
        emitter.on('visited', async (visitor: string) => {
          tracker.emit('seen', { user: visitor });
          await Promise.resolve();
          tracker.emit('seen', { user: visitor });
        });
      }
      await Promise.resolve();
      emitter.emit('visited', user);
    });
    users.expectOwnContexts();
  });

  it('is that of the producer behind a Subject', async () => {
    const prices = new Subject<number>();
    await subscribeAll(users, prices, prices);
    const events = users.recorder.named('seen');
    expect(events).toHaveLength(USERS.length);
    expect(new Set(events.map(({ context }) => context['user_id'])).size).toBe(1);
  });

  it.each([
    ['a Subject', (prices: Subject<number>) => prices],
    ['share()', (prices: Subject<number>) => prices.pipe(share())],
    ['shareReplay()', (prices: Subject<number>) => prices.pipe(shareReplay(1))],
  ])('is each subscriber’s own behind %s and withContext()', async (_what, sourceOf) => {
    const prices = new Subject<number>();
    await subscribeAll(users, sourceOf(prices).pipe(withContext()), prices);
    users.expectOwnContexts();
  });

  it('is each caller’s own after a shared batch, and that of no request in the batch', async () => {
    let waiting: ((value: string) => void)[] = [];
    const load = (tracker: Tracker): Promise<string> => {
      const loaded = new Promise<string>((resolve) => waiting.push(resolve));
      if (waiting.length === 1)
        withoutContext(() =>
          setImmediate(() => {
            tracker.emit('batch.loaded', { size: waiting.length });
            for (const resolve of waiting) resolve('loaded');
            waiting = [];
          }),
        );
      return loaded;
    };
    await users.request(async (user, tracker) => {
      await load(tracker);
      tracker.emit('seen', { user });
    });
    users.expectOwnContexts();
    const batches = users.recorder.named('batch.loaded');
    expect(batches).not.toHaveLength(0);
    for (const { context } of batches) expect(context).toEqual({});
  });
});

describe('withContext', () => {
  it('passes on values, errors and completion', async () => {
    const received: unknown[] = [];
    from([1, 2])
      .pipe(withContext())
      .subscribe({
        next: (value) => received.push(value),
        complete: () => received.push('complete'),
      });
    expect(received).toEqual([1, 2, 'complete']);
    const failing = new Subject();
    failing.pipe(withContext()).subscribe({ error: (error) => received.push(error) });
    failing.error('failed');
    expect(received.at(-1)).toBe('failed');
  });

  it('stops a synchronous source when its subscriber leaves', () => {
    let produced = 0;
    const endless = function* () {
      for (;;) yield ++produced;
    };
    from(endless()).pipe(withContext(), take(3)).subscribe();
    expect(produced).toBe(3);
  });

  it('unsubscribes from its source', () => {
    const source = new Subject();
    source.pipe(withContext()).subscribe().unsubscribe();
    expect(source.observed).toBe(false);
  });
});

type Users = Awaited<ReturnType<typeof serveUsers>>;

/** Has the first request connect a client that subscribes, and emits what it receives. */
async function receiveMessage(users: Users, run: (connect: () => Redis) => Redis) {
  let subscriber: Redis | undefined;
  const channel = `shared-work:${Math.random()}`;
  await users.request(async (_user, tracker) => {
    if (subscriber !== undefined) return;
    subscriber = run(() => new Redis(inject('redisUrl')));
    subscriber.on('message', () => tracker.emit('message'));
    await subscriber.subscribe(channel);
  });
  const publisher = new Redis(inject('redisUrl'));
  await publisher.publish(channel, 'hello');
  await expect.poll(() => users.recorder.named('message')).toHaveLength(1);
  publisher.disconnect();
  subscriber!.disconnect();
  return users.recorder.only('message');
}

/** Has each request wait for a value of a source, which the last request produces. */
async function subscribeAll(
  users: Users,
  source: Observable<number>,
  values: Subject<number>,
): Promise<void> {
  let requests = 0;
  await users.request((user, tracker) => {
    if (++requests === USERS.length) setImmediate(() => values.next(1));
    return source.pipe(
      take(1),
      tap(() => tracker.emit('seen', { user })),
      map(() => user),
    );
  });
}
