import type { TrackParams } from '@segment/analytics-node';
import type { TrackingEvent } from '../core/event.js';

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
  return anonymous === undefined ? undefined : { anonymousId: String(anonymous) };
}

function segmentContext(context: TrackingEvent['context']): Record<string, unknown> {
  const { agent, client_id, ip, path } = context;
  const referrer = context['referrer'] ?? context['referer'];
  return withoutMissing({
    'Google Analytics': isThere(client_id) ? { clientId: client_id } : undefined,
    ip,
    userAgent: agent,
    page: pageOf(withoutMissing({ path, referrer, url: urlOf(context) })),
  });
}

/** The page's address, put together from host and path where it is not there. */
function urlOf({ page, host, path }: TrackingEvent['context']): unknown {
  if (isThere(page) && page !== '') return page;
  if (!isThere(path) || path === '' || !isThere(host) || host === '') return page;
  const [from, to] = [String(host), String(path)];
  return `https://${from}${to.startsWith('/') ? '' : '/'}${to}`;
}

function pageOf(page: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(page).length === 0 ? undefined : page;
}

function withoutMissing(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isThere(value)));
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
