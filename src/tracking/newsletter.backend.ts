import { Injectable } from '@nestjs/common';
import { NoBackendEnabled, type Backend, type TrackingEvent } from 'nestjs-event-tracking';
import { AccountsService } from '../accounts/accounts.service.js';
import { databaseAnswers } from '../database/latency.js';

/** Sends new learners to the newsletter. Any object with `send` can be a backend. */
@Injectable()
export class NewsletterBackend implements Backend {
  constructor(private readonly accounts: AccountsService) {}

  async send({ context }: TrackingEvent): Promise<void> {
    const account = this.accounts.find(context['user_id']);
    if (account?.newsletter !== true) throw new NoBackendEnabled('The learner has not subscribed.');
    await databaseAnswers();
  }
}
