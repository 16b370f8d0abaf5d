import { defineContext, defineEvent } from 'nestjs-event-tracking';

export const CourseContext = defineContext('course', {
  description: 'Entered while somebody does something with a course.',
  fields: {
    course_id: { description: 'The course.', type: 'string', example: 'nest-101' },
  },
});

export const CourseViewed = defineEvent('course.viewed', {
  description: 'Somebody looked at the page of a course that exists.',
  fields: {
    title: {
      description: 'What the course was called at that time.',
      type: 'string',
      example: 'Nest for beginners',
    },
  },
  contexts: ['request', CourseContext],
});

export const CourseClosed = defineEvent('course.closed', {
  description: 'One of our own people closed a course: nobody can enrol in it any more.',
  fields: {
    seats_taken: {
      description: 'How many people were enrolled by then.',
      type: 'integer',
      example: 12,
    },
  },
  contexts: ['request', CourseContext],
});
