import { hostname } from 'node:os';
import type { ComparedEvent } from './compare-events.js';
import { AGENT, requestId } from './visitors.js';

/** The release in the deployment context of the demo. */
export const RELEASE = 'demo';

const DEPLOYMENT = { release: RELEASE, server: hostname() };

/** Returns each event that the demo must deliver, with its context, data and destinations. */
export function expectedEvents(url: string): ComparedEvent[] {
  const request = (who: string | undefined, number: number, method: string, path: string) => ({
    ...DEPLOYMENT,
    method,
    path,
    ...(path.startsWith('/courses/') && { route: routeOf(path) }),
    host: new URL(url).host,
    agent: AGENT,
    request_id: requestId(who, number),
    origin: 'server',
    ...(who === undefined ? {} : { user_id: who }),
  });
  const reminder = (who: string) => ({
    ...DEPLOYMENT,
    job: 'enrolment.reminder',
    user_id: who,
    course_id: 'nest-101',
  });

  return [
    {
      name: 'course.viewed',
      to: ['default analytics.warehouse', 'default log'],
      context: { ...request('ada', 1, 'GET', '/courses/nest-101'), course_id: 'nest-101' },
      data: { title: 'Nest for beginners' },
    },
    {
      name: 'course.enrolled',
      to: ['default analytics.warehouse', 'default log', 'default marketing.newsletter'],
      context: {
        ...request('ada', 2, 'POST', '/courses/nest-101/enrolments'),
        course_id: 'nest-101',
      },
      data: { plan: 'certificate' },
    },
    {
      name: 'course.viewed',
      to: ['default analytics.warehouse', 'default log'],
      context: { ...request('ben', 1, 'GET', '/courses/latin-200'), course_id: 'latin-200' },
      data: { title: 'Latin, the second year' },
    },
    {
      // Ben has not subscribed to the newsletter, so its backend declines the event.
      name: 'course.enrolled',
      to: ['default analytics.warehouse', 'default log'],
      context: {
        ...request('ben', 2, 'POST', '/courses/nest-101/enrolments'),
        course_id: 'nest-101',
      },
      data: { plan: 'free' },
    },
    {
      name: 'course.enrolment_refused',
      to: ['audit trail'],
      context: {
        ...request('cleo', 1, 'POST', '/courses/latin-200/enrolments'),
        course_id: 'latin-200',
      },
      data: { plan: 'certificate', reason: 'no seat left' },
    },
    {
      name: 'page.missing',
      to: ['default analytics.warehouse', 'default log'],
      context: request('dan', 1, 'GET', '/courses/basket-weaving'),
      data: { message: 'There is no course basket-weaving.' },
    },
    {
      // Iris is staff, and a processor keeps her events out of the warehouse.
      name: 'course.viewed',
      to: ['default log'],
      context: { ...request('iris', 1, 'GET', '/courses/latin-100'), course_id: 'latin-100' },
      data: { title: 'Latin, the first year' },
    },
    {
      name: 'course.closed',
      to: ['audit trail'],
      context: {
        ...request('iris', 2, 'POST', '/courses/latin-100/close'),
        course_id: 'latin-100',
      },
      data: { seats_taken: 12 },
    },
    {
      name: 'page.missing',
      to: ['default analytics.warehouse', 'default log'],
      context: request(undefined, 1, 'GET', '/nowhere'),
      data: { message: 'Cannot GET /nowhere' },
    },
    {
      name: 'access.denied',
      to: ['audit trail'],
      context: request(undefined, 2, 'POST', '/courses/nest-101/enrolments'),
      data: { reason: 'unknown account' },
    },
    ...['ada', 'ben'].map((who) => ({
      name: 'enrolment.reminder_sent',
      to: ['default analytics.warehouse', 'default log'],
      context: reminder(who),
      data: { by: 'mail' },
    })),
  ];
}

/** Returns the pattern of the route that serves a path of the course API. */
function routeOf(path: string): string {
  return path.replace(/^\/courses\/[^/]+/, '/courses/:courseId');
}
