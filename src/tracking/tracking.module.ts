import { Logger, Module } from '@nestjs/common';
import {
  EventTrackingModule,
  LoggerBackend,
  NameAllowlist,
  RegexFilter,
} from 'nestjs-event-tracking';
import type { AccountRequest } from '../accounts/account-request.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { Deployment, RequestContext } from './contexts.js';
import { DeploymentContext } from './deployment-context.js';
import { DropInternalUsers } from './drop-internal-users.js';
import { NewsletterBackend } from './newsletter.backend.js';
import { queue } from './queue.js';
import { warehouse, warehouseImports } from './warehouse.js';

/** Configures the destinations of the application's events. */
@Module({
  imports: [
    ...warehouseImports,
    EventTrackingModule.forRoot({
      imports: [AccountsModule],
      eventTypes: [RequestContext, Deployment],
      context: {
        request: (request: AccountRequest, defaults) => ({
          ...defaults,
          user_id: request.user?.id,
        }),
      },
      backends: {
        analytics: {
          queue,
          processors: [DropInternalUsers],
          backends: { warehouse },
        },
        log: new LoggerBackend(),
        marketing: {
          processors: [new RegexFilter({ regularExpressions: ['course\\.enrolled$'] })],
          backends: { newsletter: NewsletterBackend },
        },
      },
      trackers: {
        audit: {
          processors: [
            new NameAllowlist(['access.denied', 'course.closed', 'course.enrolment_refused']),
          ],
          backends: { trail: new LoggerBackend({ logger: new Logger('Audit') }) },
        },
      },
    }),
  ],
  providers: [DeploymentContext],
})
export class TrackingModule {}
