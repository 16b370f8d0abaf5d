import type { Request } from 'express';
import type { Account } from './account.js';

/** A request with the account that the guard found for it. */
export interface AccountRequest extends Request {
  user?: Account;
}
