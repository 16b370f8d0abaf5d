import { Inject, Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ClsPluginTransactional,
  Propagation,
  Transactional,
  TransactionHost,
} from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { ClsModule } from 'nestjs-cls';
import {
  defineEvent,
  EmitEvent,
  EventTrackingModule,
  InjectTracker,
  Tracker,
} from 'nestjs-event-tracking';
import { transactionalEvents } from 'nestjs-event-tracking/transactional';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from './support/deferred.js';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';
import { unaccountedEvents } from './support/unaccounted-events.js';

const OrderRefused = defineEvent('order.refused', {
  description: 'The shop refused an order.',
  transaction: 'always',
});

const recorder = new Recorder();
const audit = new Recorder();
const logger = new RecordingLogger();
let dataSource: DataSource;
let module: TestingModule;
let host: TransactionHost<TransactionalAdapterTypeOrm>;
let tracker: Tracker;

@Injectable()
class OrdersService {
  constructor(
    @Inject(TransactionHost) readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
    readonly tracker: Tracker,
    @InjectTracker('audit') readonly audit: Tracker,
  ) {}

  @EmitEvent('outside', { on: 'success' })
  @EmitEvent('outside.failed', { on: 'error' })
  @Transactional()
  async decoratedOutside(fails: boolean): Promise<void> {
    await this.insert('outside');
    if (fails) throw new Error('failed');
  }

  @Transactional()
  @EmitEvent('inside', { on: 'success' })
  @EmitEvent('inside.failed', { on: 'error' })
  @EmitEvent('inside.settled', { on: 'settled' })
  async decoratedInside(fails: boolean): Promise<void> {
    await this.insert('inside');
    if (fails) throw new Error('failed');
  }

  @Transactional()
  @EmitEvent('dropped', { on: 'error', transaction: 'commit' })
  async failsSilently(): Promise<void> {
    await this.insert('silent');
    throw new Error('failed');
  }

  @Transactional()
  @EmitEvent('before.commit', { transaction: 'always' })
  async emitsAtOnce(): Promise<void> {
    await this.insert('at once');
  }

  @Transactional()
  @EmitEvent('outer')
  async callsInner(): Promise<void> {
    await this.decoratedInside(false);
    throw new Error('failed');
  }

  async insert(name: string): Promise<void> {
    await this.host.tx.query('INSERT INTO orders (name) VALUES (?)', [name]);
  }
}

beforeEach(async () => {
  dataSource = await new DataSource({ type: 'sqljs' }).initialize();
  await dataSource.query('CREATE TABLE orders (name TEXT NOT NULL UNIQUE)');
  module = await Test.createTestingModule({
    imports: [
      EventTrackingModule.forRoot({
        backends: { recorder },
        trackers: { audit: { transaction: 'always', backends: { audit } } },
      }),
      ClsModule.forRoot({
        plugins: [
          new ClsPluginTransactional({
            adapter: transactionalEvents(
              new TransactionalAdapterTypeOrm({ dataSourceToken: DataSource }),
            ),
            imports: [dataSourceModule()],
          }),
        ],
      }),
    ],
    providers: [OrdersService],
  })
    .setLogger(logger)
    .compile();
  await module.init();
  host = module.get(TransactionHost);
  tracker = module.get(Tracker);
});

afterEach(async () => {
  expect(unaccountedEvents(tracker.stats())).toBe(0);
  await module.close();
  await dataSource.destroy();
  recorder.clear();
  audit.clear();
  logger.complaints.length = 0;
});

function dataSourceModule() {
  class DataSourceModule {}
  return {
    module: DataSourceModule,
    providers: [{ provide: DataSource, useFactory: () => dataSource }],
    exports: [DataSource],
  };
}

const names = (): string[] => recorder.events.map(({ name }) => name);
const rows = async (): Promise<string[]> =>
  (await dataSource.query<{ name: string }[]>('SELECT name FROM orders ORDER BY rowid')).map(
    ({ name }) => name,
  );

async function insert(name: string): Promise<void> {
  await host.tx.query('INSERT INTO orders (name) VALUES (?)', [name]);
}

/** Writes a row and emits an event of the same name. */
async function place(name: string): Promise<void> {
  await insert(name);
  tracker.emit(name);
}

async function failing(run: () => Promise<unknown>): Promise<void> {
  await expect(run()).rejects.toThrow('failed');
}

const fail = (): never => {
  throw new Error('failed');
};

describe('transactionalEvents', () => {
  it('delivers events after the commit, in the order in which they were emitted', async () => {
    await host.withTransaction(async () => {
      await place('first');
      await place('second');
      expect(names()).toEqual([]);
      expect(tracker.stats()).toMatchObject({ arrived: 2, delivered: 0, pending: 2 });
    });
    expect(names()).toEqual(['first', 'second']);
    expect(await rows()).toEqual(['first', 'second']);
    expect(tracker.stats()).toMatchObject({ arrived: 2, delivered: 2, pending: 0 });
  });

  it('drops the events of a rollback, counts them and logs nothing', async () => {
    await failing(async () =>
      host.withTransaction(async () => {
        await place('first');
        fail();
      }),
    );
    expect(names()).toEqual([]);
    expect(await rows()).toEqual([]);
    expect(tracker.stats()).toMatchObject({ arrived: 1, dropped: { rolled_back: 1 }, pending: 0 });
    expect(logger.complaints).toEqual([]);
  });

  it('drops the events of a transaction whose commit fails', async () => {
    await dataSource.query(`
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
    `);
    await dataSource.query('PRAGMA foreign_keys = ON');
    await dataSource.query(
      'CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    await expect(
      host.withTransaction(async () => {
        await host.tx.query('INSERT INTO children (parent) VALUES (7)');
        tracker.emit('child.added');
      }),
    ).rejects.toThrow(/FOREIGN KEY/);
    expect(names()).toEqual([]);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 1 });
  });

  it('keeps the time and the contexts of the emission', async () => {
    let emitted = 0;
    await host.withTransaction(async () => {
      await tracker.context('order', { order_id: 7 }, async () => {
        tracker.emit('placed');
        emitted = Date.now();
        await insert('placed');
      });
      const { promise, resolve } = deferred();
      setTimeout(resolve, 5);
      await promise;
    });
    expect(recorder.events[0]).toMatchObject({ name: 'placed', context: { order_id: 7 } });
    expect(recorder.events[0]!.timestamp.getTime()).toBeLessThanOrEqual(emitted);
  });

  it('delivers events outside transactions at once', () => {
    tracker.emit('outside');
    expect(names()).toEqual(['outside']);
  });

  it('delivers events at once that unawaited work emits after the end', async () => {
    const { promise, resolve } = deferred();
    let late = Promise.resolve();
    await host.withTransaction(async () => {
      await place('first');
      late = promise.then(() => tracker.emit('late'));
    });
    await failing(async () =>
      host.withTransaction(async () => {
        const before = late;
        late = promise.then(() => tracker.emit('later')).then(() => before);
        fail();
      }),
    );
    resolve();
    await late;
    expect(names().sort()).toEqual(['first', 'late', 'later']);
  });
});

describe('A savepoint', () => {
  it('drops only its own events when it is rolled back', async () => {
    await host.withTransaction(async () => {
      await place('before');
      await failing(async () =>
        host.withTransaction(Propagation.Nested, async () => {
          await place('within');
          fail();
        }),
      );
      await place('after');
    });
    expect(names()).toEqual(['before', 'after']);
    expect(await rows()).toEqual(['before', 'after']);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 1 });
  });

  it('waits for the transaction around it', async () => {
    await host.withTransaction(async () => {
      await place('before');
      await host.withTransaction(Propagation.Nested, async () => place('within'));
      expect(names()).toEqual([]);
      await place('after');
    });
    expect(names()).toEqual(['before', 'within', 'after']);
  });

  it('is dropped with the transaction around it', async () => {
    await failing(async () =>
      host.withTransaction(async () => {
        await host.withTransaction(Propagation.Nested, async () => place('within'));
        fail();
      }),
    );
    expect(names()).toEqual([]);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 1 });
  });
});

describe('The propagation of a transaction', () => {
  it.each([Propagation.Required, Propagation.Mandatory, Propagation.Supports])(
    'lets %s share the events of the transaction around it',
    async (propagation) => {
      await failing(async () =>
        host.withTransaction(async () => {
          await host.withTransaction(propagation, async () => place('within'));
          fail();
        }),
      );
      expect(names()).toEqual([]);
      await host.withTransaction(async () => {
        await host.withTransaction(propagation, async () => place('within'));
        expect(names()).toEqual([]);
      });
      expect(names()).toEqual(['within']);
    },
  );

  it('lets NOT_SUPPORTED deliver at once, even if the transaction around it is rolled back', async () => {
    await failing(async () =>
      host.withTransaction(async () => {
        tracker.emit('held');
        await host.withTransaction(Propagation.NotSupported, async () => {
          tracker.emit('at.once');
          expect(names()).toEqual(['at.once']);
        });
        tracker.emit('held.again');
        fail();
      }),
    );
    expect(names()).toEqual(['at.once']);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 2 });
  });

  it.each([Propagation.Never, Propagation.Supports, Propagation.NotSupported])(
    'lets %s deliver at once outside transactions',
    async (propagation) => {
      await host.withTransaction(propagation, async () => {
        tracker.emit('at.once');
        expect(names()).toEqual(['at.once']);
      });
    },
  );

  it('lets NESTED begin a transaction where there is none', async () => {
    await host.withTransaction(Propagation.Nested, async () => {
      await place('within');
      expect(names()).toEqual([]);
    });
    expect(names()).toEqual(['within']);
  });
});

describe('@EmitEvent on a @Transactional() method', () => {
  it('emits after the commit, in either order of the decorators', async () => {
    const orders = module.get(OrdersService);
    await orders.decoratedOutside(false);
    await orders.decoratedInside(false);
    expect(names().sort()).toEqual(['inside', 'inside.settled', 'outside']);
    expect(await rows()).toEqual(['outside', 'inside']);
  });

  it('emits only the events of errors after a rollback, in either order of the decorators', async () => {
    const orders = module.get(OrdersService);
    await failing(async () => orders.decoratedOutside(true));
    await failing(async () => orders.decoratedInside(true));
    expect(names().sort()).toEqual(['inside.failed', 'inside.settled', 'outside.failed']);
    expect(await rows()).toEqual([]);
  });

  it('emits no success of an inner method if the outer method is rolled back', async () => {
    await failing(async () => module.get(OrdersService).callsInner());
    expect(names()).toEqual([]);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 2 });
  });

  it('drops the event of an error with transaction: commit', async () => {
    await failing(async () => module.get(OrdersService).failsSilently());
    expect(names()).toEqual([]);
    expect(tracker.stats().dropped).toEqual({ rolled_back: 1 });
  });

  it('emits before the commit with transaction: always', async () => {
    await host.withTransaction(async () => {
      await module.get(OrdersService).emitsAtOnce();
      expect(names()).toEqual(['before.commit']);
    });
  });
});

describe('transaction: always', () => {
  it('delivers the events of a type at once', async () => {
    await failing(async () =>
      host.withTransaction(async () => {
        tracker.emit(OrderRefused);
        tracker.emit('order.refused');
        tracker.emit('other');
        fail();
      }),
    );
    expect(names()).toEqual(['order.refused', 'order.refused']);
  });

  it('delivers the events of a tracker at once', async () => {
    const orders = module.get(OrdersService);
    await failing(async () =>
      host.withTransaction(async () => {
        orders.audit.emit('attempted');
        fail();
      }),
    );
    expect(audit.events.map(({ name }) => name)).toEqual(['attempted']);
  });
});
