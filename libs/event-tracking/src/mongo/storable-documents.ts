import { mongo } from 'mongoose';
import type { TrackingEvent } from '../core/event/event.js';
import { copyOf } from '../core/event/snapshot.js';
import { toDocument, type EventDocument } from './event-document.js';

/** What MongoDB takes at most as one document, in bytes. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const WRITING = { ignoreUndefined: true };

/** Deeper than any snapshot: what goes deeper may go round in circles. */
const MAX_DEPTH = 200;
const [MIN_LONG, MAX_LONG] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Writes an event as a document in which that is readable which a processor added and BSON would leave out or write as
 * something else: functions, symbols, dates that are none, integers of more than 64 bits, objects that say themselves what
 * their JSON is, or keep to themselves what they are. Never throws.
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
  if (depth > MAX_DEPTH) return true; // BSON refuses circles by itself
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
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (value instanceof Map) return [...value.values()].every((each) => isHeld(each, depth + 1));
  if (ArrayBuffer.isView(value) || value instanceof RegExp) return true;
  return '_bsontype' in value || 'toBSON' in value;
}

/**
 * Makes a document one that BSON can hold: what a processor added and JSON cannot say becomes readable.
 *
 * @returns the document, or why MongoDB will never take it
 */
export function storable(document: EventDocument): EventDocument | Error {
  const fault = faultOf(document);
  if (fault === undefined) return document;
  const copy = copyOf(document);
  return faultOf(copy) === undefined ? copy : fault;
}

function faultOf(document: EventDocument): Error | undefined {
  try {
    const size = mongo.BSON.calculateObjectSize(document, WRITING);
    if (size > MAX_DOCUMENT_BYTES) {
      return new Error(
        `It is ${size} bytes large, more than MongoDB takes as one document (${MAX_DOCUMENT_BYTES})`,
      );
    }
    mongo.BSON.serialize(document, WRITING);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
