import type { TrackParams } from '@segment/analytics-node';
import type { TrackingEvent } from '../core/event/event.js';

/** Says who an event without `user_id` belongs to; nothing where nobody knows. */
export type AnonymousId = (event: TrackingEvent) => string | undefined;

/**
 * Writes an event as Segment's `track` call, as Python's event-tracking does: the whole event as properties, and
 * parts of its context where Segment looks for them.
 *
 * @returns nothing for an event that nobody can be named for
 */
export function toMessage(
  event: TrackingEvent,
  anonymousId: AnonymousId | undefined,
): TrackParams | undefined {
  const identity = identityOf(event, anonymousId);
  if (identity === undefined) return undefined;
  const { id, name, timestamp, context } = event;
  return {
    ...identity,
    event: name,
    properties: { ...event },
    context: segmentContext(context),
    messageId: id,
    timestamp,
  };
}

function identityOf(
  event: TrackingEvent,
  anonymousId: AnonymousId | undefined,
): { userId: string } | { anonymousId: string } | undefined {
  const userId = event.context['user_id'];
  if (userId !== undefined && userId !== null) return { userId: String(userId) };
  const anonymous = anonymousId?.(event);
  return isThere(anonymous) ? { anonymousId: String(anonymous) } : undefined;
}

function segmentContext(context: TrackingEvent['context']): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  if (isThere(context['client_id'])) {
    written['Google Analytics'] = { clientId: context['client_id'] };
  }
  if (isThere(context['ip'])) written['ip'] = context['ip'];
  if (isThere(context['agent'])) written['userAgent'] = context['agent'];
  const page = pageOf(context);
  if (page !== undefined) written['page'] = page;
  return written;
}

function pageOf(context: TrackingEvent['context']): Record<string, unknown> | undefined {
  const { path } = context;
  const referrer = context['referrer'] ?? context['referer'];
  const url = urlOf(context);
  if (!isThere(path) && !isThere(referrer) && !isThere(url)) return undefined;
  const page: Record<string, unknown> = {};
  if (isThere(path)) page['path'] = path;
  if (isThere(referrer)) page['referrer'] = referrer;
  if (isThere(url)) page['url'] = url;
  return page;
}

/** The page's address, put together from host and path where it is not there. */
function urlOf({ page, host, path }: TrackingEvent['context']): unknown {
  if (isThere(page) && page !== '') return page;
  if (!isThere(path) || path === '' || !isThere(host) || host === '') return page;
  const [from, to] = [String(host), String(path)];
  return `https://${from}${to.startsWith('/') ? '' : '/'}${to}`;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
