import { toJson } from '../core/event/json.js';
import { gzipSync, gunzipSync } from 'node:zlib';
import type { mongo } from 'mongoose';
import { isPlainObject } from '../core/event/event.js';
import { packEvent, type PackedEvent } from '../core/tree/packed-event.js';
import { letterIn, type DeadLetter } from '../delivery/dead-letter.js';
import type { EventDocument } from './event-document.js';

/** The field with the compressed JSON of a dead letter. */
const PACKED = 'packed';

/** Packs a dead letter whose event BSON cannot hold, such as one with a NUL in a key; undefined for other documents. */
export function packLetter(document: EventDocument): EventDocument | undefined {
  const { _id, name, timestamp, dead_letter } = document as EventDocument & Partial<DeadLetter>;
  if (!isPlainObject(dead_letter)) return undefined;
  const { _id: id, ...event } = document;
  const text = toJson(packEvent({ id, ...event }));
  const packed = { _id, name, timestamp, context: {}, data: {}, dead_letter };
  return { ...packed, [PACKED]: gzipSync(text) } as EventDocument;
}

/** Restores a document that {@link packLetter} has packed; returns others as they are. */
export function unpackLetter(document: EventDocument): EventDocument {
  const packed = (document as { [PACKED]?: mongo.Binary })[PACKED];
  if (packed?._bsontype !== 'Binary') return document;
  const letter = letterIn(JSON.parse(gunzipSync(packed.buffer).toString()) as PackedEvent);
  if (letter === undefined) return document;
  const { id, ...rest } = letter;
  return { _id: id, ...rest } as EventDocument;
}
