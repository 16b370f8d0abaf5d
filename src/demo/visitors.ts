/** A request and its expected status. */
export interface Visit {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly status: number;
}

/** A visitor who makes requests one after another. */
export interface Visitor {
  /** The value of the `x-user` header; an anonymous visitor has none. */
  readonly name?: string;
  readonly visits: readonly Visit[];
}

const get = (path: string, status: number): Visit => ({ method: 'GET', path, status });
const post = (path: string, status: number, body: object = {}): Visit => ({
  method: 'POST',
  path,
  status,
  body,
});

/** The visitors of the demo, who all arrive at the same time. */
export const VISITORS: readonly Visitor[] = [
  {
    name: 'ada',
    visits: [
      get('/courses/nest-101', 200),
      post('/courses/nest-101/enrolments', 201, { plan: 'certificate' }),
    ],
  },
  {
    name: 'ben',
    visits: [get('/courses/latin-200', 200), post('/courses/nest-101/enrolments', 201)],
  },
  { name: 'cleo', visits: [post('/courses/latin-200/enrolments', 409, { plan: 'certificate' })] },
  { name: 'dan', visits: [get('/courses/basket-weaving', 404)] },
  {
    name: 'iris',
    visits: [get('/courses/latin-100', 200), post('/courses/latin-100/close', 200)],
  },
  { visits: [get('/nowhere', 404), post('/courses/nest-101/enrolments', 401)] },
];

/** The user agent of the demo's requests. */
export const AGENT = 'demo';

/** Returns the id of a visitor's request by its number. */
export function requestId(visitor: string | undefined, number: number): string {
  return `${visitor ?? 'nobody'}-${number}`;
}

/** Sends the requests of all visitors concurrently; returns a line for each unexpected status. */
export async function receiveVisitors(url: string): Promise<string[]> {
  const complaints = await Promise.all(VISITORS.map((visitor) => receive(visitor, url)));
  return complaints.flat();
}

async function receive({ name, visits }: Visitor, url: string): Promise<string[]> {
  const complaints: string[] = [];
  for (const [index, { method, path, body, status }] of visits.entries()) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        'user-agent': AGENT,
        'x-request-id': requestId(name, index + 1),
        ...(name === undefined ? {} : { 'x-user': name }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    await response.arrayBuffer();
    if (response.status === status) continue;
    complaints.push(
      `${name ?? 'nobody'}: ${method} ${path} answered ${response.status}, expected ${status}`,
    );
  }
  return complaints;
}
