import type { TransactionalAdapter, TransactionalAdapterOptions } from '@nestjs-cls/transactional';
import { ClsPluginBase } from 'nestjs-cls';
import { HOLDS_EVENTS, runningTransaction } from '../core/context/running-transaction.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { noteConnectionName } from './connection-names.js';
import { heldTransaction } from './held-transaction.js';
import { TransactionSession } from './transaction-session.js';

// The types of connections, transactions and options belong to each adapter.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyAdapter = TransactionalAdapter<any, any, any>;
type AdapterOptions = TransactionalAdapterOptions<unknown, unknown>;
type Callback = (...args: unknown[]) => Promise<unknown>;

interface CalledOptions {
  readonly connectionName?: string | undefined;
}

type Wrap = (
  this: CalledOptions,
  txOptions: unknown,
  callback: Callback,
  setClient: (client?: unknown) => void,
  ...others: unknown[]
) => Promise<unknown>;

const HOOKS: readonly PropertyKey[] = [
  'onModuleInit',
  'onModuleDestroy',
  'onApplicationBootstrap',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
];

/**
 * Wraps an adapter of `@nestjs-cls/transactional`, so that events follow its transactions.
 *
 * @remarks
 * Events that are emitted in a transaction are delivered after the commit, in the order of their
 * emission, and dropped as `rolled_back` after a rollback. Each attempt of a repeated callback, and
 * each savepoint, holds its own events.
 * @example
 * ```ts
 * new ClsPluginTransactional({
 *   imports: [TypeOrmModule],
 *   adapter: transactionalEvents(
 *     new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
 *   ),
 * });
 * ```
 * @throws {@link ImproperlyConfigured} for a value that is not an adapter
 */
export function transactionalEvents<Adapter extends AnyAdapter>(adapter: Adapter): Adapter {
  checkAdapter(adapter);
  const optionsFactory = (connection: unknown, extraProviders: unknown[]): AdapterOptions =>
    holdingOptions(checkedOptions(adapter.optionsFactory(connection, extraProviders)), connection);
  return new Proxy(adapter, {
    get(target, key): unknown {
      if (key === 'optionsFactory') return optionsFactory;
      const value: unknown = Reflect.get(target, key, target);
      // The plugin binds the hooks to this proxy, which has no private fields of the adapter.
      return HOOKS.includes(key) && typeof value === 'function'
        ? (value.bind(target) as unknown)
        : value;
    },
  });
}

function holdingOptions(options: AdapterOptions, connection: unknown): AdapterOptions {
  if (HOLDS_EVENTS in options) return options;
  const { wrapWithTransaction, wrapWithNestedTransaction } = options;
  const identity = {};
  const holding = (wrap: Wrap, isSavepoint: boolean): Wrap =>
    async function (this: CalledOptions, txOptions, callback, setClient, ...others) {
      noteConnectionName(connection, this.connectionName);
      const outer = runningTransaction();
      const joins = isSavepoint ? outer?.joinedBy(identity) : undefined;
      const session = new TransactionSession(setClient);
      return heldTransaction(
        () => session.open({ outer, joins, connection: identity }),
        async (attempt) =>
          wrap.call(
            this,
            txOptions,
            async (...args) => attempt(async () => callback(...args)),
            session.setClient,
            ...others,
          ),
      );
    };
  return {
    ...options,
    [HOLDS_EVENTS]: true,
    wrapWithTransaction: holding(wrapWithTransaction as Wrap, false),
    // TransactionHost looks for the key, so that it must be missing where the adapter has none.
    ...(typeof wrapWithNestedTransaction === 'function'
      ? { wrapWithNestedTransaction: holding(wrapWithNestedTransaction as Wrap, true) }
      : {}),
  } as AdapterOptions;
}

function checkAdapter(adapter: unknown): void {
  const candidate = adapter as { optionsFactory?: unknown; adapter?: unknown } | null | undefined;
  if (typeof candidate?.optionsFactory === 'function') return;
  throw new ImproperlyConfigured(
    `transactionalEvents: adapter must be an adapter of @nestjs-cls/transactional; ` +
      `received ${describeValue(adapter)}. ${hintFor(adapter)}`,
  );
}

function hintFor(adapter: unknown): string {
  if (adapter instanceof ClsPluginBase) {
    return (
      'Wrap the adapter instead of the plugin: ' +
      'new ClsPluginTransactional({ adapter: transactionalEvents(adapter) }).'
    );
  }
  if (typeof adapter === 'function') return `Create it: new ${adapter.name || 'Adapter'}({ … }).`;
  return 'Pass, for example, new TransactionalAdapterTypeOrm({ dataSourceToken }).';
}

function checkedOptions(options: unknown): AdapterOptions {
  const candidate = options as Partial<AdapterOptions> | null | undefined;
  if (typeof candidate?.wrapWithTransaction === 'function') return candidate as AdapterOptions;
  throw new ImproperlyConfigured(
    `transactionalEvents: optionsFactory of the adapter must return an object with ` +
      `wrapWithTransaction(); received ${describeValue(options)}. ` +
      `Install a supported version: npm install @nestjs-cls/transactional@3.`,
  );
}
