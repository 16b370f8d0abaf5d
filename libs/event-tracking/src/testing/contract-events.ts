import type { TrackingEvent } from '../core/event/event.js';
import { createEventId } from '../core/event/event-id.js';

/** Makes an event for a contract, as a tracker would. */
export function contractEvent(parts: Partial<TrackingEvent> = {}): TrackingEvent {
  const now = Date.now();
  return {
    id: createEventId(now),
    name: 'contract.event',
    timestamp: new Date(now),
    context: { user_id: 7 }, // without a user some destinations take nothing
    data: {},
    ...parts,
  };
}

/** Makes so many events, told apart by their data. */
export function contractEvents(count: number): TrackingEvent[] {
  return Array.from({ length: count }, (_, number) => contractEvent({ data: { number } }));
}
