import type { TrackingEvent } from '../core/event.js';

/** An event as MongoDB stores it: its id is the document's, and what processors added is there too. */
export type EventDocument = Omit<TrackingEvent, 'id'> & { _id: string };

export function toDocument(event: TrackingEvent): EventDocument {
  const { id, ...rest } = event;
  return { _id: id, ...rest };
}
