import { Injectable } from '@nestjs/common';
import type { FilterObject, TrackingEvent } from 'nestjs-event-tracking';
import { AccountsService } from '../accounts/accounts.service.js';

/** Keeps what our own people do out of the figures. Nest's injector makes it. */
@Injectable()
export class DropInternalUsers implements FilterObject {
  constructor(private readonly accounts: AccountsService) {}

  filter({ context }: TrackingEvent): boolean {
    return this.accounts.find(context['user_id'])?.internal !== true;
  }
}
