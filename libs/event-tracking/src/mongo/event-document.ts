import type { TrackingEvent } from '../core/event.js';

/** An event as MongoDB stores it: its id is the document's, and what processors added is there too. */
export type EventDocument = Omit<TrackingEvent, 'id'> & { _id: string };

export function toDocument(event: TrackingEvent): EventDocument {
  const { name, timestamp, context, data } = event;
  const document: EventDocument = { _id: event.id, name, timestamp, context, data };
  for (const key in event) {
    if (key !== 'id' && !(key in document)) Reflect.set(document, key, Reflect.get(event, key));
  }
  return document;
}
