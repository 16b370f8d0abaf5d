import { limitText } from './limit-text.js';
import { requestIdOf } from './request-id.js';
import {
  keptQuery,
  readHost,
  readPath,
  readQuery,
  readReferrer,
  readUrl,
  type KeptKey,
  type UrlParts,
} from './request-target.js';

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

/**
 * Reads the context of an HTTP request, under the names that destinations know; omits values that
 * the request lacks.
 *
 * @remarks Clients choose the texts of a request, so each is cut to 1 KB.
 * @param keptKeys - the parameters of a query to keep in `page` and `referrer`
 */
export function readHttpRequest(
  request: HttpRequest,
  keptKeys: readonly KeptKey[] = [],
): Record<string, unknown> {
  // Fastify's request has getters, which cost more than the properties that they read.
  const raw = request.raw ?? request;
  const { method, headers, socket } = raw;
  const target = raw.originalUrl ?? raw.url ?? '';
  // Proxies may send a whole URL.
  const url = target.startsWith('/') ? undefined : readUrl(target);
  const path = url === undefined ? readPath(target) : url.path || '/';
  const host = url?.host ?? hostOf(headers);
  const agent = first(headers['user-agent']);
  const referrer = referrerOf(headers, keptKeys);
  // Behind a proxy the adapter knows which addresses to trust; otherwise the socket is cheaper.
  const isForwarded = headers['x-forwarded-for'] !== undefined;
  const ip = (isForwarded ? request.ip : undefined) ?? socket?.remoteAddress ?? request.ip;
  const context: Record<string, unknown> = {
    method: method === undefined ? method : limitText(method),
    path: path === undefined ? path : limitText(path),
    request_id: requestIdOf(first(headers['x-request-id']), request.id),
    origin: 'server',
  };
  if (path === undefined) delete context['path'];
  if (host !== undefined) context['host'] = limitText(host);
  if (ip !== undefined) context['ip'] = limitText(ip);
  if (agent !== undefined) context['agent'] = limitText(agent);
  if (referrer !== undefined) context['referrer'] = limitText(referrer);
  if (host !== undefined && method === 'GET' && path !== undefined && asksForPage(headers)) {
    const query = keptQuery(readQuery(target), keptKeys);
    context['page'] = limitText(`${schemeOf(request, url)}://${host}${path}${query}`);
  }
  return context;
}

function hostOf(headers: HttpRequest['headers']): string | undefined {
  const header = first(headers['host'] ?? headers[':authority']);
  return header === undefined ? undefined : readHost(header);
}

function referrerOf(
  headers: HttpRequest['headers'],
  keptKeys: readonly KeptKey[],
): string | undefined {
  const header = first(headers['referer'] ?? headers['referrer']);
  return header === undefined ? undefined : readReferrer(header, keptKeys);
}

function schemeOf(request: HttpRequest, url: UrlParts | undefined): string {
  const scheme = url?.scheme ?? request.protocol;
  if (scheme === 'http' || scheme === 'https') return scheme;
  return (request.raw ?? request).socket?.encrypted ? 'https' : 'http';
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
