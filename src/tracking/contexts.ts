import { defineContext } from 'nestjs-event-tracking';

/** The request context of the module, extended by `TrackingModule`. */
export const RequestContext = defineContext('request', {
  description: 'Entered for each HTTP request, before any other code handles it.',
  fields: {
    method: { description: 'The HTTP method.', type: 'string', example: 'POST' },
    path: {
      description: 'The requested path, without the query.',
      type: 'string',
      example: '/courses/nest-101/enrolments',
    },
    route: {
      description: 'The pattern of the route that answers.',
      type: 'string',
      optional: true,
      example: '/courses/:id/enrolments',
    },
    host: { description: 'The requested host.', type: 'string', example: 'courses.example' },
    ip: {
      description: 'The IP address of the client.',
      type: 'string',
      example: '203.0.113.7',
    },
    agent: { description: 'The user agent that the client sent.', type: 'string', optional: true },
    referrer: {
      description: 'The page that linked here, if the client sent it.',
      type: 'string',
      optional: true,
    },
    page: {
      description: 'The page that made the request, if the client sent it.',
      type: 'string',
      optional: true,
    },
    request_id: {
      description: 'The id of the request, as in logs.',
      type: 'string',
      example: 'ada-2',
    },
    status: {
      description: 'The status of the response, once it has been sent.',
      type: 'integer',
      optional: true,
      example: 201,
    },
    duration: {
      description: 'The milliseconds until the response was sent.',
      type: 'number',
      optional: true,
      example: 12.5,
    },
    origin: {
      description: 'The reporter of the event: server.',
      type: 'string',
      example: 'server',
    },
    user_id: {
      description: 'The id of the signed-in user.',
      type: 'string',
      optional: true,
      example: 'ada',
    },
  },
});

/** The context of a process for its whole lifetime. */
export const Deployment = defineContext('deployment', {
  description: 'Entered when the application starts: the running version and its machine.',
  fields: {
    release: { description: 'The version of the application.', type: 'string', example: '2026.11' },
    server: { description: 'The host name of the machine.', type: 'string', example: 'web-1' },
  },
});
