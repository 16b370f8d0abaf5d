import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { getConnectionToken, InjectModel, MongooseModule } from '@nestjs/mongoose';
import { Test } from '@nestjs/testing';
import type { Connection, Model } from 'mongoose';
import {
  EventTrackingModule,
  InjectBackend,
  MemoryBackend,
  Tracker,
  type DeadLetter,
} from 'nestjs-event-tracking';
import {
  MongoBackend,
  mongoBackend,
  TrackedEvent,
  TrackedEventSchema,
  MongoDeadLetters,
} from 'nestjs-event-tracking/mongo';
import { describe, expect, it } from 'vitest';
import { connectMongo, databaseUri, dropMongo, storedIn } from './support/mongo.js';

@Injectable()
class Report {
  constructor(
    @InjectModel(TrackedEvent.name) readonly events: Model<TrackedEvent>,
    @InjectBackend('warehouse.mongo') readonly backend: MongoBackend,
  ) {}

  async enrolmentsOf(userId: number): Promise<TrackedEvent[]> {
    return this.events
      .find({ name: 'course.enrolled', 'context.user_id': userId })
      .sort({ timestamp: 1 })
      .lean();
  }
}

@Injectable()
class Farewell implements OnModuleDestroy {
  constructor(private readonly tracker: Tracker) {}

  onModuleDestroy(): void {
    this.tracker.emit('farewell');
  }
}

describe('MongoDB in a Nest application', () => {
  it('stores events through the connection of MongooseModule, and a model can query them', async () => {
    const uri = databaseUri();

    @Module({
      imports: [
        MongooseModule.forRoot(uri),
        MongooseModule.forFeature([{ name: TrackedEvent.name, schema: TrackedEventSchema }]),
        EventTrackingModule.forRoot({
          backends: { warehouse: { backends: { mongo: mongoBackend() } } },
        }),
      ],
      providers: [Report],
    })
    class AppModule {}

    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const tracker = app.get(Tracker);
    for (const user_id of [7, 8]) {
      tracker.context({ user_id }, () => tracker.emit('course.enrolled', { course_id: 'DemoX' }));
    }
    await tracker.flush();

    const report = app.get(Report);
    expect(await report.enrolmentsOf(7)).toMatchObject([
      { name: 'course.enrolled', context: { user_id: 7 }, data: { course_id: 'DemoX' } },
    ]);
    expect(report.backend).toBeInstanceOf(MongoBackend);
    expect(tracker.stats().backends['warehouse.mongo']).toMatchObject({
      arrived: 2,
      delivered: 2,
      pending: 0,
    });
    await app.get<Connection>(getConnectionToken()).dropDatabase();
    await app.close();
  });

  it('stores events of shutdown hooks before the connection closes', async () => {
    const uri = databaseUri();

    @Module({
      imports: [
        EventTrackingModule.forRoot({ backends: { mongo: mongoBackend() } }),
        MongooseModule.forRoot(uri),
      ],
      providers: [Farewell],
    })
    class AppModule {}

    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    app.get(Tracker).emit('hello');
    await app.close();

    const connection = await connectMongo(uri);
    expect((await storedIn(connection)).map(({ name }) => name)).toEqual(['hello', 'farewell']);
    await dropMongo(connection);
  });

  it('supports named connections, custom collections and dead letters', async () => {
    const [events, letters] = [databaseUri(), databaseUri()];

    @Module({
      imports: [
        MongooseModule.forRoot(events, { connectionName: 'events' }),
        MongooseModule.forRoot(letters, { connectionName: 'letters' }),
        EventTrackingModule.forRoot({
          backends: {
            mongo: mongoBackend({
              connectionName: 'events',
              collection: 'tracks',
              delivery: {
                batchSize: 10,
                deadLetter: mongoBackend({ connectionName: 'letters', collection: 'dead' }),
              },
            }),
          },
        }),
      ],
    })
    class AppModule {}

    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const tracker = app.get(Tracker);
    tracker.emit('small');
    tracker.emit('huge', { text: 'x'.repeat(17 * 1024 * 1024) });
    tracker.emit('null byte', { 'a\0b': 1 });
    await tracker.flush();

    const stored = app.get<Connection>(getConnectionToken('events'));
    const dead = app.get<Connection>(getConnectionToken('letters'));
    expect((await storedIn(stored, 'tracks')).map(({ name }) => name)).toEqual(['small']);
    expect(tracker.stats().backends).toMatchObject({
      mongo: { arrived: 3, delivered: 1, dead: 2, pending: 0 },
      'mongo.deadLetter': { arrived: 2, delivered: 2, dropped: {}, pending: 0 },
    });
    const kept: DeadLetter[] = [];
    for await (const letter of new MongoDeadLetters(dead, 'dead').read()) kept.push(letter);
    expect(kept.map(({ name, data }) => [name, Object.keys(data)]).toSorted()).toEqual([
      ['huge', ['text']],
      ['null byte', ['a\0b']],
    ]);
    await stored.dropDatabase();
    await dead.dropDatabase();
    await app.close();
  });

  it('names a missing connection', async () => {
    @Module({ imports: [EventTrackingModule.forRoot({ backends: { mongo: mongoBackend() } })] })
    class AppModule {}

    await expect(Test.createTestingModule({ imports: [AppModule] }).compile()).rejects.toThrow(
      /backends\.mongo could not be created\..*DatabaseConnection/s,
    );
  });

  it('can be replaced by any backend with a delivery configuration', async () => {
    const memory = new MemoryBackend();

    @Module({
      imports: [
        EventTrackingModule.forRoot({
          backends: { memory: { useValue: memory, delivery: { flushInterval: 60_000 } } },
        }),
      ],
    })
    class AppModule {}

    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const tracker = app.get(Tracker);
    tracker.emit('sold');
    expect(memory.events).toEqual([]);
    expect(tracker.getBackend('memory')).toBe(memory);
    await app.close();
    expect(memory.events).toHaveLength(1);
  });

  it.each([
    [{ batchSize: -1 }, /backends\.memory\.delivery\.batchSize must be a whole number above 0/],
    [{ batchsize: 1 }, /backends\.memory\.delivery: unknown option 'batchsize'/],
    [
      'fast',
      /backends\.memory\.delivery must be false or an object .*; received the string 'fast'/,
    ],
    [{ deadLetter: {} }, /backends\.memory\.delivery\.deadLetter must be an instance with send/],
  ])('rejects the delivery %j with its path', (delivery, message) => {
    const backends = { memory: { useValue: new MemoryBackend(), delivery: delivery as object } };
    expect(() => EventTrackingModule.forRoot({ backends })).toThrow(message);
  });
});
