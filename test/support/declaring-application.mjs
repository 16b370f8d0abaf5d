/** An application that declares types as the guide does, and registers none of them. */
import { Module } from '@nestjs/common';
import { defineContext, defineEvent, EmitEvent, EventTrackingModule } from 'nestjs-event-tracking';

export class AppModule {}

Module({ imports: [EventTrackingModule.forRoot()] })(AppModule);

if (process.env['NOTHING_DECLARED'] === undefined) declareTypes();

function declareTypes() {
  const CourseContext = defineContext('course', {
    description: 'Entered while somebody does something with a course.',
    fields: { course_id: { description: 'The course.', type: 'string' } },
  });
  defineEvent('course.enrolled', {
    description: 'Somebody got a seat in a course.',
    fields: {
      plan: { description: 'free, or certificate.', type: 'string', example: 'certificate' },
      seat: { description: 'The number of the seat.', type: 'integer', optional: true },
    },
    contexts: ['request', CourseContext],
  });
  const CourseLeft = defineEvent('course.left', {
    description: 'Somebody gave up a seat in a course.',
    fields: {},
  });

  class CoursesService {
    leave() {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(CoursesService.prototype, 'leave');
  EmitEvent(CourseLeft)(CoursesService.prototype, 'leave', descriptor);
}
