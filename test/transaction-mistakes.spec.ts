import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ClsPluginTransactional,
  NoOpTransactionalAdapter,
  TransactionHost,
  type TransactionalAdapter,
} from '@nestjs-cls/transactional';
import { ClsModule } from 'nestjs-cls';
import {
  defineEvent,
  EmitEvent,
  EventTrackingModule,
  type EventTrackingModuleOptions,
} from 'nestjs-event-tracking';
import { transactionalEvents } from 'nestjs-event-tracking/transactional';
import { describe, expect, it } from 'vitest';
import { RecordingLogger } from './support/recording-logger.js';

const plainAdapter = (tx: object) => new NoOpTransactionalAdapter({ tx, disableWarning: true });

/** Starts and closes an application; returns what it logged. */
async function complaintsOf(
  plugins: ClsPluginTransactional[],
  options: EventTrackingModuleOptions = {},
  providers: (new () => object)[] = [],
): Promise<string[]> {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({
    imports: [EventTrackingModule.forRoot(options), ClsModule.forRoot({ plugins })],
    providers,
  })
    .setLogger(logger)
    .compile();
  await module.init();
  for (const name of ['one', 'two']) {
    const host = plugins.some((plugin) => plugin.name.endsWith(name))
      ? TransactionHost.getInstance(name)
      : undefined;
    await host?.withTransaction(async () => {});
  }
  await module.close();
  return logger.complaints;
}

const NOT_WRAPPED = /events do not wait for the transactions.*transactionalEvents\(new/;

const OrderPlaced = defineEvent('order.placed', {
  description: 'A customer placed an order.',
  transaction: 'commit',
});

@Injectable()
class OrdersService {
  @EmitEvent('order.paid', { transaction: 'commit' })
  pay(): void {}
}

describe('An adapter that is not wrapped', () => {
  it.each([
    ['a tracker', { transaction: 'commit' } as const, []],
    ['an event type', { eventTypes: [OrderPlaced] }, []],
    ['a decorator', {}, [OrdersService]],
  ])('is reported if %s asks for the commit', async (_, options, providers) => {
    const plugin = new ClsPluginTransactional({ adapter: plainAdapter({}) });
    expect(await complaintsOf([plugin], options, providers)).toEqual([
      expect.stringMatching(NOT_WRAPPED),
    ]);
  });

  it('is reported if the adapter of another connection is wrapped', async () => {
    const complaints = await complaintsOf([
      new ClsPluginTransactional({
        connectionName: 'one',
        adapter: transactionalEvents(plainAdapter({})),
      }),
      new ClsPluginTransactional({ connectionName: 'two', adapter: plainAdapter({}) }),
    ]);
    expect(complaints).toEqual([expect.stringMatching(/of the connection 'two', because/)]);
  });

  it('is accepted if nothing asks for the commit', async () => {
    const plugin = new ClsPluginTransactional({ adapter: plainAdapter({}) });
    expect(await complaintsOf([plugin])).toEqual([]);
  });
});

describe('transactionalEvents', () => {
  it('warns of two names for one connection', async () => {
    const connection = {};
    const complaints = await complaintsOf(
      ['one', 'two'].map(
        (connectionName) =>
          new ClsPluginTransactional({
            connectionName,
            adapter: transactionalEvents(plainAdapter(connection)),
          }),
      ),
    );
    expect(complaints).toEqual([
      expect.stringMatching(/'one' and 'two' are the same database connection.*Use one plugin/),
    ]);
  });

  it.each([
    ['undefined', undefined, /received undefined. Pass, for example, new TransactionalAdapter/],
    ['a class', NoOpTransactionalAdapter, /Create it: new NoOpTransactionalAdapter/],
    [
      'a plugin',
      new ClsPluginTransactional({ adapter: plainAdapter({}) }),
      /Wrap the adapter instead of the plugin: new ClsPluginTransactional\(\{ adapter: transactionalEvents/,
    ],
  ])('rejects %s', (_, value, message) => {
    expect(() => transactionalEvents(value as never)).toThrow(message);
  });

  it('rejects an adapter of an unsupported version', () => {
    const adapter = transactionalEvents<TransactionalAdapter<object, object, object>>({
      optionsFactory: () => ({}) as never,
    });
    expect(() => adapter.optionsFactory({}, [])).toThrow(
      /must return an object with wrapWithTransaction\(\).*npm install @nestjs-cls\/transactional@3/,
    );
  });

  it('calls the hooks of an adapter that has private fields', () => {
    class Adapter extends NoOpTransactionalAdapter {
      #started = false;

      onModuleInit(): void {
        this.#started = true;
      }

      get isStarted(): boolean {
        return this.#started;
      }
    }
    const adapter = new Adapter({ tx: {} });
    const wrapped = transactionalEvents(adapter);
    wrapped.onModuleInit.bind(wrapped)();
    expect(adapter.isStarted).toBe(true);
  });
});

describe('transaction', () => {
  it.each([
    ['the module', () => EventTrackingModule.forRoot({ transaction: 'never' as never })],
    ['an event type', () => defineEvent('e', { description: '', transaction: 'x' as never })],
    ['@EmitEvent', () => EmitEvent('e', { transaction: 1 as never })],
  ])('must be a mode on %s', (_, declare) => {
    expect(declare).toThrow(/transaction must be 'commit' or 'always'; received/);
  });
});
