import { Body, Controller, DefaultValuePipe, Param, ParseEnumPipe, Post } from '@nestjs/common';
import { TrackContext, type MethodCall } from 'nestjs-event-tracking';
import type { Account } from '../accounts/account.js';
import { CurrentAccount } from '../accounts/current-account.decorator.js';
import { CourseContext } from '../courses/course.events.js';
import { Plan, type Enrolment } from './enrolment.js';
import { EnrolmentsService } from './enrolments.service.js';

@Controller('courses/:courseId/enrolments')
export class EnrolmentsController {
  constructor(private readonly enrolments: EnrolmentsService) {}

  @Post()
  @TrackContext(CourseContext, ({ args: [courseId] }: MethodCall<[courseId: string]>) => ({
    course_id: courseId,
  }))
  enrol(
    @Param('courseId') courseId: string,
    @Body('plan', new DefaultValuePipe(Plan.Free), new ParseEnumPipe(Plan)) plan: Plan,
    @CurrentAccount() account: Account,
  ): Promise<Enrolment> {
    return this.enrolments.enrol(account.id, courseId, plan);
  }
}
