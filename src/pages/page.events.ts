import { defineEvent } from 'nestjs-event-tracking';

export const PageMissing = defineEvent('page.missing', {
  description:
    'Somebody asked for a page that there is none of, or for a course that does not exist.',
  fields: {
    message: {
      description: 'What they were told.',
      type: 'string',
      example: 'There is no course basket-weaving.',
    },
  },
  contexts: ['request'],
});
