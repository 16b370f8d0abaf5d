import { createEventId } from '../../core/event/event-id.js';

/** What is read of a request: the parts that Node, Express and Fastify agree on. */
export interface HttpRequest {
  method?: string;
  url?: string;
  originalUrl?: string;
  ip?: string;
  id?: unknown;
  protocol?: string;
  headers: Record<string, string | string[] | undefined>;
  socket?: { remoteAddress?: string; encrypted?: boolean };
}

const MAX_REQUEST_ID_LENGTH = 200;

/** What an HTTP request says about itself, under the names that destinations know; what it does not say is left out. */
export function readHttpRequest(request: HttpRequest): Record<string, unknown> {
  const { headers } = request;
  const url = request.originalUrl ?? request.url ?? '';
  const queryStart = url.indexOf('?');
  const host = first(headers['host'] ?? headers[':authority']);
  const ip = ipOf(request);
  const agent = first(headers['user-agent']);
  const referrer = first(headers['referer'] ?? headers['referrer']);
  const context: Record<string, unknown> = {
    method: request.method,
    path: queryStart < 0 ? url : url.slice(0, queryStart),
    request_id: requestIdOf(request),
    origin: 'server',
  };
  if (host !== undefined) context['host'] = host;
  if (ip !== undefined) context['ip'] = ip;
  if (agent !== undefined) context['agent'] = agent;
  if (referrer !== undefined) context['referrer'] = referrer;
  if (host !== undefined && asksForPage(request)) {
    const protocol = request.protocol ?? (request.socket?.encrypted ? 'https' : 'http');
    context['page'] = `${protocol}://${host}${url}`;
  }
  return context;
}

/** Behind a proxy the adapter knows which addresses to trust; without one it is the socket's, which costs less to ask. */
function ipOf(request: HttpRequest): string | undefined {
  const isForwarded = request.headers['x-forwarded-for'] !== undefined;
  return (isForwarded ? request.ip : undefined) ?? request.socket?.remoteAddress ?? request.ip;
}

/** The id that the caller or the HTTP adapter gave the request, or a new one. */
function requestIdOf(request: HttpRequest): string {
  const given = first(request.headers['x-request-id']) ?? request.id;
  if (typeof given === 'string' && given !== '') return given.slice(0, MAX_REQUEST_ID_LENGTH);
  return typeof given === 'number' ? String(given) : createEventId(Date.now());
}

/** A browser says what it fetches; without its word, one that would rather have HTML loads a page. */
function asksForPage({ method, headers }: HttpRequest): boolean {
  if (method !== 'GET') return false;
  const destination = first(headers['sec-fetch-dest']);
  if (destination !== undefined) return destination === 'document';
  return first(headers['accept'])?.startsWith('text/html') === true;
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
