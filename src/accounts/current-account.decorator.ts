import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AccountRequest } from './account-request.js';

/** Injects the account that the guard found for the request. */
export const CurrentAccount = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<AccountRequest>().user,
);
