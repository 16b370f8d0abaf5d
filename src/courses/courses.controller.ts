import { Controller, ForbiddenException, Get, HttpCode, Param, Post } from '@nestjs/common';
import { EmitEvent, TrackContext, type MethodCall } from 'nestjs-event-tracking';
import type { Account } from '../accounts/account.js';
import { CurrentAccount } from '../accounts/current-account.decorator.js';
import { AuditTrail } from '../audit/audit-trail.service.js';
import type { Course } from './course.js';
import { CourseContext, CourseViewed } from './course.events.js';
import { CoursesService } from './courses.service.js';

type Read = MethodCall<[courseId: string], Course>;

@Controller('courses/:courseId')
@TrackContext(CourseContext, ({ args: [courseId] }: Read) => ({ course_id: courseId }))
export class CoursesController {
  constructor(
    private readonly courses: CoursesService,
    private readonly audit: AuditTrail,
  ) {}

  @Get()
  @EmitEvent(CourseViewed, { data: ({ result }: Read) => ({ title: result!.title }) })
  view(@Param('courseId') courseId: string): Promise<Course> {
    return this.courses.find(courseId);
  }

  @Post('close')
  @HttpCode(200)
  async close(
    @Param('courseId') courseId: string,
    @CurrentAccount() account: Account,
  ): Promise<Course> {
    if (!account.internal) {
      this.audit.accessDenied('staff only');
      throw new ForbiddenException('Only staff may close a course.');
    }
    const course = await this.courses.close(courseId);
    this.audit.courseClosed(course.taken);
    return course;
  }
}
