import { defineContext, defineEvent } from 'nestjs-event-tracking';
import { CourseContext } from '../courses/course.events.js';

const plan = {
  description: 'What was chosen: free, or certificate, which costs something.',
  type: 'string',
  example: 'certificate',
} as const;

export const JobContext = defineContext('job', {
  description: 'Entered while a scheduled job is at work.',
  fields: {
    job: { description: 'The name of the job.', type: 'string', example: 'enrolment.reminder' },
  },
});

export const EnrolmentContext = defineContext('enrolment', {
  description: 'Entered by jobs for each enrolment that they look at.',
  fields: {
    user_id: { description: 'Who is enrolled.', type: 'string', example: 'ada' },
    course_id: { description: 'In which course.', type: 'string', example: 'nest-101' },
  },
});

export const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'Somebody got a seat in a course.',
  fields: { plan },
  contexts: ['request', CourseContext],
});

export const CourseEnrolmentRefused = defineEvent('course.enrolment_refused', {
  description: 'Somebody wanted a seat in a course and did not get it.',
  fields: {
    plan,
    reason: {
      description: 'Why: closed, no seat left, or that there is no such course.',
      type: 'string',
      example: 'no seat left',
    },
  },
  contexts: ['request', CourseContext],
});

export const EnrolmentReminderSent = defineEvent('enrolment.reminder_sent', {
  description: 'Somebody was reminded of a course that they have enrolled in and not begun.',
  fields: {
    by: { description: 'The way that the reminder took: mail.', type: 'string', example: 'mail' },
  },
  contexts: [JobContext, EnrolmentContext],
});
