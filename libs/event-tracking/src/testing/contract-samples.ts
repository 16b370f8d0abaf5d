import type { TrackingEvent } from '../core/event/event.js';
import { createEventId } from '../core/event/event-id.js';
import { eventTypeFrom } from '../core/event-types/event-type.js';
import { recordOf, type MetadataRecord } from '../core/event-types/metadata-record.js';

/** Creates an event as a tracker would. */
export function contractEvent(parts: Partial<TrackingEvent> = {}): TrackingEvent {
  const now = Date.now();
  return {
    id: createEventId(now),
    name: 'contract.event',
    timestamp: new Date(now),
    context: { user_id: 7 }, // some destinations reject events without a user
    data: {},
    ...parts,
  };
}

/** Creates events that are numbered in their data. */
export function contractEvents(count: number): TrackingEvent[] {
  return Array.from({ length: count }, (_, number) => contractEvent({ data: { number } }));
}

/** Creates a metadata record as a tracker would. */
export function contractRecord(): MetadataRecord {
  const type = eventTypeFrom(
    'contract.event',
    {
      description: 'A contract is verified.',
      fields: {
        number: { description: 'The number of the event.', type: 'integer', example: 1 },
        'a.$b': { description: '', optional: true, example: { at: new Date(5) } },
      },
      contexts: ['request'],
    },
    'at contract',
  );
  return recordOf(type, new Date());
}
