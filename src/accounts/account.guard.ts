import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.service.js';
import type { AccountRequest } from './account-request.js';
import { AccountsService } from './accounts.service.js';

/** Trusts the `x-user` header, which is acceptable only in an example. */
@Injectable()
export class AccountGuard implements CanActivate {
  constructor(
    private readonly accounts: AccountsService,
    private readonly audit: AuditTrail,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AccountRequest>();
    request.user = this.accounts.find(request.headers['x-user']);
    if (request.user === undefined) {
      this.audit.accessDenied('unknown account');
      throw new UnauthorizedException('Send your user id in the header x-user.');
    }
    return true;
  }
}
