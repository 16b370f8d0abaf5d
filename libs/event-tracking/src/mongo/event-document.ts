import type { TrackingEvent } from '../core/event/event.js';
import { setOwn } from '../core/event/snapshot.js';
import { deadLetterKey, isDeadLetter } from '../delivery/dead-letter.js';

/**
 * An event as MongoDB stores it: its id is the document's, and what processors added is there too.
 *
 * @remarks Several backends may have given up the same event: the `_id` of a dead letter names the backend too.
 */
export type EventDocument = Omit<TrackingEvent, 'id'> & { _id: string };

export function toDocument(event: TrackingEvent): EventDocument {
  const { name, timestamp, context, data } = event;
  const _id = isDeadLetter(event) ? deadLetterKey(event) : event.id;
  const document: EventDocument = { _id, name, timestamp, context, data };
  for (const key in event) {
    if (key === 'id' || Object.hasOwn(document, key)) continue;
    setOwn(document as Record<string, unknown>, key, Reflect.get(event, key));
  }
  return document;
}
