import { defineEvent } from 'nestjs-event-tracking';

export const AccessDenied = defineEvent('access.denied', {
  description: 'A request was denied because the user lacks the permission.',
  fields: {
    reason: {
      description: 'Why the request was denied: unknown account, or staff only.',
      type: 'string',
      example: 'staff only',
    },
  },
  contexts: ['request'],
});
