import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { EventTrackingModule } from 'nestjs-event-tracking';
import { AccountGuard } from './accounts/account.guard.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuditModule } from './audit/audit.module.js';
import { CoursesModule } from './courses/courses.module.js';
import { EnrolmentsModule } from './enrolments/enrolments.module.js';
import { MissingPageFilter } from './pages/missing-page.filter.js';
import { PageMissing } from './pages/page.events.js';
import { TrackingModule } from './tracking/tracking.module.js';

@Module({
  imports: [
    TrackingModule,
    ScheduleModule.forRoot(),
    AccountsModule,
    AuditModule,
    CoursesModule,
    EnrolmentsModule,
    EventTrackingModule.forFeature([PageMissing]),
  ],
  providers: [
    { provide: APP_GUARD, useClass: AccountGuard },
    { provide: APP_FILTER, useClass: MissingPageFilter },
  ],
})
export class AppModule {}
