import { defineEvent } from 'nestjs-event-tracking';

export const PageMissing = defineEvent('page.missing', {
  description: 'A user requested a page or a course that does not exist.',
  fields: {
    message: {
      description: 'The error message that the user received.',
      type: 'string',
      example: 'There is no course basket-weaving.',
    },
  },
  contexts: ['request'],
});
