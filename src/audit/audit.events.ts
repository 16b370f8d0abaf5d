import { defineEvent } from 'nestjs-event-tracking';

export const AccessDenied = defineEvent('access.denied', {
  description: 'Somebody asked for what they may not have.',
  fields: {
    reason: {
      description: 'Why not: unknown account, or staff only.',
      type: 'string',
      example: 'staff only',
    },
  },
  contexts: ['request'],
});
