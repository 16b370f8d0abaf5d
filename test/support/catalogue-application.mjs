/** An application for the command line; its event types come from a module and from code. */
import { Inject, Module } from '@nestjs/common';
import {
  defineContext,
  defineEvent,
  EventTrackingModule,
  getTrackerToken,
} from 'nestjs-event-tracking';

const Session = defineContext('session', {
  description: 'Somebody who is signed in.',
  fields: { user_id: { description: 'Who it is.', type: 'string', example: 'ada' } },
});

const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'Somebody got a seat in a course, and has paid for it.',
  fields: { course_id: { description: 'The course.', type: 'string', example: 'nest-101' } },
  contexts: [Session, 'job'],
});

const PaymentRefused = defineEvent('payment.refused', {
  description: 'The provider took no money.',
  fields: { reason: { description: 'The code of the provider.', type: 'string' } },
});

export class AppModule {
  constructor(audit) {
    audit.register(PaymentRefused);
  }
}

Inject(getTrackerToken('audit'))(AppModule, undefined, 0);
Module({
  imports: [
    EventTrackingModule.forRoot({ trackers: { audit: { backends: {} } } }),
    EventTrackingModule.forFeature([CourseEnrolled, Session]),
  ],
})(AppModule);

export class UntrackedModule {}

Module({})(UntrackedModule);
