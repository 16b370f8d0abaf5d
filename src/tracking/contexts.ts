import { defineContext } from 'nestjs-event-tracking';

/** The request context of the module, extended by `TrackingModule`. */
export const RequestContext = defineContext('request', {
  description: 'Entered for each HTTP request, before anything else happens in it.',
  fields: {
    method: { description: 'The HTTP method.', type: 'string', example: 'POST' },
    path: {
      description: 'The path that was asked for, without the query.',
      type: 'string',
      example: '/courses/nest-101/enrolments',
    },
    route: {
      description: 'The pattern of the route that answers.',
      type: 'string',
      optional: true,
      example: '/courses/:id/enrolments',
    },
    host: { description: 'The host that was asked.', type: 'string', example: 'courses.example' },
    ip: {
      description: 'The address that the request came from.',
      type: 'string',
      example: '203.0.113.7',
    },
    agent: { description: 'What the client says it is.', type: 'string', optional: true },
    referrer: {
      description: 'The page that led here, as the client says.',
      type: 'string',
      optional: true,
    },
    page: {
      description: 'The page that the request was made from, where the client says so.',
      type: 'string',
      optional: true,
    },
    request_id: {
      description: 'What the request is known by in logs.',
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
    origin: { description: 'Who reports the event: server.', type: 'string', example: 'server' },
    user_id: {
      description: 'Who is signed in.',
      type: 'string',
      optional: true,
      example: 'ada',
    },
  },
});

/** The context of a process for its whole lifetime. */
export const Deployment = defineContext('deployment', {
  description: 'Entered when the application starts: what is running, and where.',
  fields: {
    release: { description: 'The version that is running.', type: 'string', example: '2026.11' },
    server: { description: 'The machine that it runs on.', type: 'string', example: 'web-1' },
  },
});
