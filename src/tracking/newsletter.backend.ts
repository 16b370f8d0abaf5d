import { Injectable } from '@nestjs/common';
import { NoBackendEnabled, type Backend, type TrackingEvent } from 'nestjs-event-tracking';
import { AccountsService } from '../accounts/accounts.service.js';
import { databaseAnswers } from '../database/latency.js';

/** Hands new learners over to the newsletter. A destination of one's own is any object that can `send`. */
@Injectable()
export class NewsletterBackend implements Backend {
  constructor(private readonly accounts: AccountsService) {}

  async send({ context }: TrackingEvent): Promise<void> {
    const account = this.accounts.find(context['user_id']);
    if (account?.newsletter !== true) throw new NoBackendEnabled('The learner does not want it.');
    await databaseAnswers();
  }
}
