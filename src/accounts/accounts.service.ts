import { Injectable } from '@nestjs/common';
import type { Account } from './account.js';

const ACCOUNTS: readonly Account[] = [
  { id: 'ada', internal: false, newsletter: true },
  { id: 'ben', internal: false, newsletter: false },
  { id: 'cleo', internal: false, newsletter: true },
  { id: 'dan', internal: false, newsletter: false },
  { id: 'iris', internal: true, newsletter: false },
];

/** Finds accounts. */
@Injectable()
export class AccountsService {
  readonly #accounts = new Map(ACCOUNTS.map((account) => [account.id, account]));

  find(id: unknown): Account | undefined {
    return typeof id === 'string' ? this.#accounts.get(id) : undefined;
  }
}
