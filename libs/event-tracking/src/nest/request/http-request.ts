import { wallTime } from '../../core/event/clock.js';
import { createEventId } from '../../core/event/event-id.js';

/** The properties of a request that Node, Express and Fastify have in common. */
export interface HttpRequest {
  method?: string;
  url?: string;
  originalUrl?: string;
  ip?: string;
  id?: unknown;
  protocol?: string;
  headers: Record<string, string | string[] | undefined>;
  socket?: { remoteAddress?: string; encrypted?: boolean };
  /** Node's request, where the adapter wraps it. */
  raw?: HttpRequest;
}

const MAX_REQUEST_ID_LENGTH = 200;

/**
 * Reads the context of an HTTP request, under the names that destinations know; omits values that
 * the request lacks.
 */
export function readHttpRequest(request: HttpRequest): Record<string, unknown> {
  // Fastify's request has getters, which cost more than the properties that they read.
  const raw = request.raw ?? request;
  const { method, headers, socket } = raw;
  const url = raw.originalUrl ?? raw.url ?? '';
  const queryStart = url.indexOf('?');
  const host = first(headers['host'] ?? headers[':authority']);
  const agent = first(headers['user-agent']);
  const referrer = first(headers['referer'] ?? headers['referrer']);
  // Behind a proxy the adapter knows which addresses to trust; otherwise the socket is cheaper.
  const isForwarded = headers['x-forwarded-for'] !== undefined;
  const ip = (isForwarded ? request.ip : undefined) ?? socket?.remoteAddress ?? request.ip;
  const context: Record<string, unknown> = {
    method,
    path: queryStart < 0 ? url : url.slice(0, queryStart),
    request_id: requestIdOf(headers['x-request-id'], request),
    origin: 'server',
  };
  if (host !== undefined) context['host'] = host;
  if (ip !== undefined) context['ip'] = ip;
  if (agent !== undefined) context['agent'] = agent;
  if (referrer !== undefined) context['referrer'] = referrer;
  if (host !== undefined && method === 'GET' && asksForPage(headers)) {
    const protocol = request.protocol ?? (socket?.encrypted ? 'https' : 'http');
    context['page'] = `${protocol}://${host}${url}`;
  }
  return context;
}

/** Returns the id that the caller or the HTTP adapter gave the request, or a new one. */
function requestIdOf(header: string | string[] | undefined, request: HttpRequest): string {
  const given = first(header) ?? request.id;
  if (typeof given === 'string' && given !== '') return given.slice(0, MAX_REQUEST_ID_LENGTH);
  return typeof given === 'number' ? String(given) : createEventId(wallTime());
}

/** Whether a browser loads a page; without `Sec-Fetch-Dest`, a preference for HTML decides. */
function asksForPage(headers: HttpRequest['headers']): boolean {
  const destination = first(headers['sec-fetch-dest']);
  if (destination !== undefined) return destination === 'document';
  return first(headers['accept'])?.startsWith('text/html') === true;
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
