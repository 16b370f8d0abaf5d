import { ConflictException, Injectable } from '@nestjs/common';
import { EmitEvent, type MethodCall } from 'nestjs-event-tracking';
import { CoursesService } from '../courses/courses.service.js';
import { databaseAnswers } from '../database/latency.js';
import type { Enrolment, Plan } from './enrolment.js';
import { CourseEnrolled, CourseEnrolmentRefused } from './enrolment.events.js';

type Enrol = MethodCall<[userId: string, courseId: string, plan: Plan], Enrolment>;

@Injectable()
export class EnrolmentsService {
  readonly #enrolments: Enrolment[] = [];

  constructor(private readonly courses: CoursesService) {}

  @EmitEvent(CourseEnrolled, { data: ({ result }: Enrol) => ({ plan: result!.plan }) })
  @EmitEvent(CourseEnrolmentRefused, {
    on: 'error',
    tracker: 'audit',
    data: ({ args: [, , plan], error }: Enrol) => ({ plan, reason: (error as Error).message }),
  })
  async enrol(userId: string, courseId: string, plan: Plan): Promise<Enrolment> {
    const course = await this.courses.find(courseId);
    if (!course.open) throw new ConflictException('closed');
    if (course.taken >= course.seats) throw new ConflictException('no seat left');
    course.taken++;
    await databaseAnswers();
    const enrolment: Enrolment = { courseId, userId, plan, started: false };
    this.#enrolments.push(enrolment);
    return enrolment;
  }

  /** Returns the enrolments whose course has not been started. */
  notStarted(): readonly Enrolment[] {
    return this.#enrolments.filter(({ started }) => !started);
  }
}
