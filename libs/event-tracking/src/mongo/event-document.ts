import type { TrackingEvent } from '../core/event/event.js';
import { setOwn } from '../core/event/snapshot.js';
import { deadLetterKey, isDeadLetter } from '../delivery/dead-letter.js';

/**
 * The form of an event in MongoDB. Its id is the document's `_id`; fields that processors added are kept.
 *
 * @remarks The `_id` of a dead letter names the backend too, because several backends may give up the same event.
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
