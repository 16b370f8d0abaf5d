import { mongo } from 'mongoose';
import { copyOf } from '../core/snapshot.js';
import type { EventDocument } from './event-document.js';

/** What MongoDB takes at most as one document, in bytes. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const WRITING = { ignoreUndefined: true };

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
