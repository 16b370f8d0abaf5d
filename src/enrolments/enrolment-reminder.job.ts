import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { TrackContext, Tracker } from 'nestjs-event-tracking';
import { databaseAnswers } from '../database/latency.js';
import { EnrolmentContext, EnrolmentReminderSent, JobContext } from './enrolment.events.js';
import { EnrolmentsService } from './enrolments.service.js';

export const ENROLMENT_REMINDER = 'enrolment.reminder';

/** Reminds users every night of courses they have not started. */
@Injectable()
export class EnrolmentReminderJob {
  constructor(
    private readonly enrolments: EnrolmentsService,
    private readonly tracker: Tracker,
  ) {}

  @Cron(CronExpression.EVERY_DAY_AT_3AM, { name: ENROLMENT_REMINDER, waitForCompletion: true })
  @TrackContext(JobContext, { job: ENROLMENT_REMINDER })
  async run(): Promise<void> {
    const reminders = this.enrolments
      .notStarted()
      .map(({ userId, courseId }) =>
        this.tracker.context(EnrolmentContext, { user_id: userId, course_id: courseId }, () =>
          this.#remind(),
        ),
      );
    await Promise.all(reminders);
  }

  async #remind(): Promise<void> {
    await databaseAnswers();
    this.tracker.emit(EnrolmentReminderSent, { by: 'mail' });
  }
}
