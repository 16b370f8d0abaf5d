import type { QueuedEvent } from '../core/event-queue.js';
import { packEvent, unpackEvent, type PackedEvent } from '../core/packed-event.js';

/** What a job holds: some events of one node of one tracker's tree. */
export interface EventJob {
  tracker: string;
  /** The node that queued them. */
  path: string;
  events: JobEvent[];
}

/** An event in a job. */
export interface JobEvent {
  event: PackedEvent;
  /** The backend where it is still to be delivered; all that are behind the node where it is left out. */
  at?: string;
}

export function jobOf(tracker: string, path: string, events: readonly QueuedEvent[]): EventJob {
  return {
    tracker,
    path,
    events: events.map(({ event, path: at }) =>
      at === path ? { event: packEvent(event) } : { event: packEvent(event), at },
    ),
  };
}

/** @throws {@link MalformedEventError} when a job holds what is no event */
export function eventsOf({ path, events }: EventJob): QueuedEvent[] {
  return events.map(({ event, at = path }) => ({ path: at, event: unpackEvent(event) }));
}
