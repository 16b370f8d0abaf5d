import type { TrackingEvent } from '../core/event/event.js';

/** How events become messages of PostHog. */
export interface PosthogMapping {
  /**
   * Returns the person of an event; undefined for an anonymous event.
   *
   * @default `context.user_id`, as a string
   */
  distinctId?: (event: TrackingEvent) => string | undefined;
  /**
   * Returns the properties of an event.
   *
   * @default the context and the data, whose keys come first
   */
  properties?: (event: TrackingEvent) => Record<string, unknown>;
  /** Returns properties to store with the person (`$set`). */
  personProperties?: (event: TrackingEvent) => Record<string, unknown> | undefined;
}

/** Converts an event to a message of PostHog's batch API. */
export function toPosthogMessage(event: TrackingEvent, mapping: PosthogMapping): object {
  const { distinctId = userOf, properties = propertiesOf, personProperties } = mapping;
  const person = distinctId(event);
  const set = person === undefined ? undefined : personProperties?.(event);
  return {
    uuid: event.id,
    event: event.name,
    // PostHog requires an id; without a person, none may be created for it.
    distinct_id: person ?? event.id,
    timestamp: event.timestamp,
    properties: {
      ...properties(event),
      $lib: 'nestjs-event-tracking',
      ...(set !== undefined && { $set: set }),
      ...(person === undefined && { $process_person_profile: false }),
    },
  };
}

function userOf({ context }: TrackingEvent): string | undefined {
  const id = context['user_id'];
  return id === undefined || id === null || id === '' ? undefined : String(id);
}

function propertiesOf({ context, data }: TrackingEvent): Record<string, unknown> {
  const known = {
    $ip: context['ip'],
    $current_url: context['page'],
    $referrer: context['referrer'],
  };
  return { ...known, ...context, ...data };
}
