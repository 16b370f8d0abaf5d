import { isDate } from '../core/diagnostics/built-in.js';
import { mongo } from 'mongoose';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { toDocument, type EventDocument } from './event-document.js';
import { packLetter } from './packed-letter.js';

/** The largest document that MongoDB stores, in bytes. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const WRITING = { ignoreUndefined: true };

/** Deeper than any snapshot: a deeper object may be circular. */
const MAX_DEPTH = 200;
const [MIN_LONG, MAX_LONG] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Converts an event to a document. Values that a processor added and BSON would omit or distort become readable: functions,
 * symbols, invalid dates, integers of more than 64 bits, objects with `toJSON`, and instances of classes. Never throws.
 */
export function toReadableDocument(event: TrackingEvent): EventDocument {
  try {
    const document = toDocument(event);
    if (isHeld(document, 0)) return document;
  } catch {
    // A getter threw.
  }
  return toDocument(copyOf(event));
}

function isHeld(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'object':
      return value === null || isHeldObject(value, depth);
    case 'bigint':
      return value >= MIN_LONG && value <= MAX_LONG;
    case 'function':
    case 'symbol':
      return false;
    default:
      return true;
  }
}

function isHeldObject(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH) return true; // BSON rejects circles itself
  if (Array.isArray(value)) return value.every((member) => isHeld(member, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return isHeldInstance(value, depth);
  if ('toJSON' in value && !('toBSON' in value)) return false;
  for (const key in value) {
    if (!isHeld((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function isHeldInstance(value: object, depth: number): boolean {
  if (isDate(value)) return !Number.isNaN(value.getTime());
  if (value instanceof Map) return [...value.values()].every((each) => isHeld(each, depth + 1));
  if (ArrayBuffer.isView(value) || value instanceof RegExp) return true;
  return '_bsontype' in value || 'toBSON' in value;
}

/**
 * Returns a document that BSON can hold, with readable text for values that JSON cannot represent, or the reason why MongoDB
 * will never store it. A dead letter that BSON cannot hold is stored packed.
 */
export function storable(document: EventDocument): EventDocument | Error {
  const error = errorOf(document);
  if (error === undefined) return document;
  const copy = copyOf(document);
  if (errorOf(copy) === undefined) return copy;
  const packed = packLetter(document);
  return packed !== undefined && errorOf(packed) === undefined ? packed : error;
}

function errorOf(document: EventDocument): Error | undefined {
  try {
    const size = mongo.BSON.calculateObjectSize(document, WRITING);
    if (size > MAX_DOCUMENT_BYTES) {
      return new Error(
        `The document is ${size} bytes large, more than MongoDB stores as one (${MAX_DOCUMENT_BYTES})`,
      );
    }
    mongo.BSON.serialize(document, WRITING);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
