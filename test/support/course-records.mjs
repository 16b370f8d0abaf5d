/** Metadata records of a course application: two contexts, and events in several versions. */
import { recordOf } from './metadata-record.mjs';

const course_id = {
  description: 'The course, by the id that the catalogue of courses gives it.',
  type: 'string',
  example: 'nest-101',
};
const plan = {
  description: '`free` to listen, `certificate` to be examined as well.',
  type: 'string',
  example: 'certificate',
};

const request = recordOf({
  kind: 'context',
  name: 'request',
  description:
    'An HTTP request: entered by the module for each, and left when it has been answered.',
  time: '2026-01-05T09:00:00Z',
  at: 'src/tracking/contexts.ts:5:24',
  fields: {
    request_id: {
      description: 'Unique to the request; of the header x-request-id, where there is one.',
      type: 'string',
      example: 'ada-2',
    },
    method: { description: 'The method of HTTP.', type: 'string', example: 'POST' },
    path: {
      description: 'The path, without its query.',
      type: 'string',
      example: '/courses/nest-101/enrolments',
    },
    user_agent: { description: 'What the client says it is.', type: 'string', optional: true },
  },
});

const session = recordOf({
  kind: 'context',
  name: 'session',
  description: 'Somebody who is signed in.\n\nEntered by the guard, as soon as it knows who it is.',
  time: '2026-01-05T09:00:01Z',
  at: 'src/accounts/account.guard.ts:11:3',
  fields: {
    user_id: { description: 'Who it is.', type: 'string', example: 'ada' },
    locale: {
      description: 'The language that was chosen, as BCP 47 writes it.',
      type: 'string',
      optional: true,
      example: 'de-AT',
    },
  },
});

const both = {
  ...recordOf({
    kind: 'context',
    name: 'request + session',
    description: "These contexts together: 'request', 'session'.",
    composed_of: [request.id, session.id].toSorted(),
    time: '2026-01-05T09:00:02Z',
  }),
  stack_trace: '',
};

/** Records of retired types and of earlier versions. */
export const EARLIER_RECORDS = [
  recordOf({
    kind: 'event',
    name: 'course.enrolled',
    description: 'Somebody enrolled.',
    contexts: ['request'],
    time: '2025-09-01T08:30:00Z',
    fields: {
      course_id: { description: 'The course.', type: 'integer', example: 101 },
      coupon: { description: 'The code of a coupon.', type: 'string', optional: true },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'course.enrolled',
    description: 'Somebody got a seat in a course.',
    contexts: ['request', 'session'],
    time: '2025-11-20T14:00:00Z',
    fields: {
      course_id,
      coupon: { description: 'The code of a coupon.', type: 'string', optional: true },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'course.waitlisted',
    description:
      'Somebody waits for a seat. Replaced by `course.enrolled`, since every course has seats for all.',
    time: '2025-06-02T10:00:00Z',
    at: 'src/courses/waiting-list.ts:40:5',
    fields: {
      course_id,
      position: { description: 'How many wait before.', type: 'integer', example: 3 },
    },
  }),
];

/** Records of the currently registered types. */
export const RECORDS = [
  request,
  session,
  both,
  recordOf({
    kind: 'event',
    name: 'course.enrolled',
    description:
      'Somebody got a seat in a course.\n\nEmitted when the payment has been confirmed, or at once where the course is free. Who enrols again after leaving gets a second event.',
    contexts: ['request', 'session'],
    time: '2026-03-14T09:26:53Z',
    fields: {
      course_id,
      plan,
      price: {
        description: 'What was paid, in cents; 0 where the course is free.',
        type: 'integer',
        example: 4900,
      },
      invited_by: {
        description: 'Who invited them, by `user_id`.',
        type: 'string',
        optional: true,
      },
      seats: {
        description: 'The seats that are left, by group.',
        type: 'object',
        optional: true,
        example: { morning: 3, evening: 0 },
      },
    },
    contextFields: {
      experiment: {
        description: 'The variant of the page that was shown.',
        type: 'string',
        optional: true,
        example: 'short-form',
      },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'course.viewed',
    description: 'The page of a course was shown. Once per request, whatever else was on the page.',
    contexts: ['request'],
    time: '2026-01-05T09:00:03Z',
    at: 'src/courses/courses.controller.ts:22:3',
    fields: { course_id },
  }),
  recordOf({
    kind: 'event',
    name: 'course.completed',
    description: 'All lessons were finished, and the examination passed where there is one.',
    contexts: ['session'],
    time: '2026-02-11T09:00:03Z',
    fields: {
      course_id,
      score: {
        description: 'Of 100; missing where there is no examination.',
        type: 'number',
        optional: true,
        example: 87.5,
      },
      finished: {
        description: 'When the last lesson was.',
        type: 'date',
        example: '2026-05-06T07:08:09.123Z',
      },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'enrolment.reminder_sent',
    description: 'The nightly job reminded somebody of a course that begins tomorrow.',
    contexts: ['job'],
    time: '2026-01-05T09:00:04Z',
    at: 'src/enrolments/enrolment-reminder.job.ts:31:7',
    fields: {
      course_id,
      channels: { description: 'How: `mail`, `push`.', type: 'array', example: ['mail'] },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'page.missing',
    description: 'Somebody asked for what is not there.',
    contexts: ['request'],
    time: '2026-01-05T09:00:05Z',
    at: 'src/pages/missing-page.filter.ts:18:5',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { referrer: { $ref: '#/$defs/url' }, status: { enum: [404, 410] } },
      required: ['status'],
      $defs: { url: { type: 'string', format: 'uri', examples: ['https://example.org/'] } },
    },
    fields: {
      referrer: { description: 'The page that the link is on.', optional: true },
      status: { description: 'What was answered.' },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'payment.invoice.issued',
    description: 'An invoice was written, and sent by mail.',
    contexts: ['session'],
    time: '2026-02-01T12:00:00Z',
    at: 'src/payments/invoices.service.ts:77:5',
    fields: {
      invoice_id: {
        description: 'As it stands on the invoice.',
        type: 'string',
        example: '2026-000123',
      },
      total: { description: 'In cents, with tax.', type: 'integer', example: 5831 },
      is_reverse_charge: {
        description: 'Whether the customer owes the tax.',
        type: 'boolean',
        example: false,
      },
    },
  }),
  recordOf({
    kind: 'event',
    name: 'payment.refused',
    description:
      'The provider took no money. The reason is its own; `insufficient_funds` is by far the most frequent.',
    contexts: ['request', 'session'],
    time: '2026-02-01T12:00:01Z',
    at: 'src/payments/payments.service.ts:120:7',
    fields: {
      reason: {
        description: 'The provider’s code.',
        type: 'string',
        example: 'insufficient_funds',
      },
    },
  }),
];
