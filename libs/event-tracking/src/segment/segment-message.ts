import type { TrackParams } from '@segment/analytics-node';
import type { TrackingEvent } from '../core/event/event.js';

/** Returns the anonymous id of an event without `user_id`; undefined if there is none. */
export type AnonymousId = (event: TrackingEvent) => string | undefined;

/**
 * Converts an event to Segment's `track` call, as Python's event-tracking does: the whole event as properties, and parts of its
 * context where Segment expects them.
 *
 * @returns undefined for an event without a user
 */
export function toMessage(
  event: TrackingEvent,
  anonymousId: AnonymousId | undefined,
): TrackParams | undefined {
  const identity = readIdentity(event, anonymousId);
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

function readIdentity(
  event: TrackingEvent,
  anonymousId: AnonymousId | undefined,
): { userId: string } | { anonymousId: string } | undefined {
  const userId = event.context['user_id'];
  if (userId !== undefined && userId !== null) return { userId: String(userId) };
  const anonymous = anonymousId?.(event);
  return isPresent(anonymous) ? { anonymousId: String(anonymous) } : undefined;
}

function segmentContext(context: TrackingEvent['context']): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  if (isPresent(context['client_id'])) {
    written['Google Analytics'] = { clientId: context['client_id'] };
  }
  if (isPresent(context['ip'])) written['ip'] = context['ip'];
  if (isPresent(context['agent'])) written['userAgent'] = context['agent'];
  const page = readPage(context);
  if (page !== undefined) written['page'] = page;
  return written;
}

function readPage(context: TrackingEvent['context']): Record<string, unknown> | undefined {
  const { path } = context;
  const referrer = context['referrer'] ?? context['referer'];
  const url = readUrl(context);
  if (!isPresent(path) && !isPresent(referrer) && !isPresent(url)) return undefined;
  const page: Record<string, unknown> = {};
  if (isPresent(path)) page['path'] = path;
  if (isPresent(referrer)) page['referrer'] = referrer;
  if (isPresent(url)) page['url'] = url;
  return page;
}

function readUrl({ page, host, path }: TrackingEvent['context']): unknown {
  if (isPresent(page) && page !== '') return page;
  if (!isPresent(path) || path === '' || !isPresent(host) || host === '') return page;
  const [from, to] = [String(host), String(path)];
  return `https://${from}${to.startsWith('/') ? '' : '/'}${to}`;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
