import { defineContext, defineEvent } from 'nestjs-event-tracking';

export const CourseContext = defineContext('course', {
  description: 'Entered while a request concerns a course.',
  fields: {
    course_id: { description: 'The id of the course.', type: 'string', example: 'nest-101' },
  },
});

export const CourseViewed = defineEvent('course.viewed', {
  description: 'A user viewed the page of a course.',
  fields: {
    title: {
      description: 'The title of the course when it was viewed.',
      type: 'string',
      example: 'Nest for beginners',
    },
  },
  contexts: ['request', CourseContext],
});

export const CourseClosed = defineEvent('course.closed', {
  description: 'A staff member closed a course to new enrolments.',
  fields: {
    seats_taken: {
      description: 'How many learners were enrolled when the course closed.',
      type: 'integer',
      example: 12,
    },
  },
  contexts: ['request', CourseContext],
});
