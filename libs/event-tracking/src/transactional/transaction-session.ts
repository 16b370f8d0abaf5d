import { ClsServiceManager } from 'nestjs-cls';
import {
  TransactionScope,
  type TransactionScopeOptions,
} from '../core/context/transaction-scope.js';

type ClsStore = Record<symbol, unknown>;

export class TransactionSession {
  #client: unknown;

  constructor(private readonly announce: (client?: unknown) => void) {}

  readonly setClient = (client?: unknown): void => {
    this.#client = client;
    this.announce(client);
  };

  /** Creates the scope of an attempt, once the adapter has announced its client. */
  open(options: TransactionScopeOptions): TransactionScope {
    return new TransactionScope({
      ...options,
      client: this.#client,
      currentClient: this.#readerOfClient(),
    });
  }

  // No adapter learns that code leaves its transaction (`NOT_SUPPORTED`): `TransactionHost` removes
  // the client from its key in the CLS store, and does not publish the key.
  #readerOfClient(): (() => unknown) | undefined {
    const cls = ClsServiceManager.getClsService();
    const read = (): ClsStore => (cls.get() as ClsStore | undefined) ?? {};
    const store = read();
    const key = Object.getOwnPropertySymbols(store).find((each) => store[each] === this.#client);
    return key === undefined ? undefined : () => read()[key];
  }
}
