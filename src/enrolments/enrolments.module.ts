import { Module } from '@nestjs/common';
import { CoursesModule } from '../courses/courses.module.js';
import { EnrolmentReminderJob } from './enrolment-reminder.job.js';
import { EnrolmentsController } from './enrolments.controller.js';
import { EnrolmentsService } from './enrolments.service.js';

@Module({
  imports: [CoursesModule],
  controllers: [EnrolmentsController],
  providers: [EnrolmentsService, EnrolmentReminderJob],
})
export class EnrolmentsModule {}
