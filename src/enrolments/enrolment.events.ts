import { defineContext, defineEvent } from 'nestjs-event-tracking';
import { CourseContext } from '../courses/course.events.js';

const plan = {
  description: 'The chosen plan: free, or certificate, which is paid.',
  type: 'string',
  example: 'certificate',
} as const;

export const JobContext = defineContext('job', {
  description: 'Entered while a scheduled job runs.',
  fields: {
    job: { description: 'The name of the job.', type: 'string', example: 'enrolment.reminder' },
  },
});

export const EnrolmentContext = defineContext('enrolment', {
  description: 'Entered by a job for each enrolment that it processes.',
  fields: {
    user_id: { description: 'The id of the enrolled user.', type: 'string', example: 'ada' },
    course_id: { description: 'The id of the course.', type: 'string', example: 'nest-101' },
  },
});

export const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'A user enrolled in a course and got a seat.',
  fields: { plan },
  contexts: ['request', CourseContext],
});

export const CourseEnrolmentRefused = defineEvent('course.enrolment_refused', {
  description: 'A user tried to enrol in a course and got no seat.',
  fields: {
    plan,
    reason: {
      description: 'Why the enrolment was refused: closed, no seat left, or an unknown course.',
      type: 'string',
      example: 'no seat left',
    },
  },
  contexts: ['request', CourseContext],
});

export const EnrolmentReminderSent = defineEvent('enrolment.reminder_sent', {
  description: 'A user was reminded of a course that they enrolled in but have not started.',
  fields: {
    by: { description: 'How the reminder was sent: mail.', type: 'string', example: 'mail' },
  },
  contexts: [JobContext, EnrolmentContext],
});
