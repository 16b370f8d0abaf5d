import { Module } from '@nestjs/common';
import { EventTrackingModule } from 'nestjs-event-tracking';
import { CoursesModule } from '../courses/courses.module.js';
import {
  CourseEnrolled,
  CourseEnrolmentRefused,
  EnrolmentContext,
  EnrolmentReminderSent,
  JobContext,
} from './enrolment.events.js';
import { EnrolmentReminderJob } from './enrolment-reminder.job.js';
import { EnrolmentsController } from './enrolments.controller.js';
import { EnrolmentsService } from './enrolments.service.js';

@Module({
  imports: [
    CoursesModule,
    EventTrackingModule.forFeature([
      JobContext,
      EnrolmentContext,
      CourseEnrolled,
      CourseEnrolmentRefused,
      EnrolmentReminderSent,
    ]),
  ],
  controllers: [EnrolmentsController],
  providers: [EnrolmentsService, EnrolmentReminderJob],
})
export class EnrolmentsModule {}
