import { Injectable } from '@nestjs/common';
import type { FilterObject, TrackingEvent } from 'nestjs-event-tracking';
import { AccountsService } from '../accounts/accounts.service.js';

/** Drops events of internal users. Nest's injector creates it. */
@Injectable()
export class DropInternalUsers implements FilterObject {
  constructor(private readonly accounts: AccountsService) {}

  filter({ context }: TrackingEvent): boolean {
    return this.accounts.find(context['user_id'])?.internal !== true;
  }
}
