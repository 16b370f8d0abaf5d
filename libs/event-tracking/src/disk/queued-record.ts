import { toJson } from '../core/event/json.js';
import { MalformedEventError } from '../core/diagnostics/errors.js';
import type { QueuedEvent } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import {
  packEvent,
  packMetadata,
  unpackEvent,
  unpackMetadata,
  type PackedEvent,
} from '../core/tree/packed-event.js';

/** A node of a tracker's tree. */
export interface NodeName {
  tracker: string;
  path: string;
}

export type QueuedRecord = QueuedEvent | MetadataRecord;

/** Returns the key under which a store keeps the records of a node. */
export function keyOf({ tracker, path }: NodeName): string {
  return `${encodeURIComponent(tracker)}/${encodeURIComponent(path)}`;
}

/** Returns the key of the events that only one backend behind the node has not received. */
export function laneKeyOf(node: NodeName, backend: string): string {
  return `${keyOf(node)}/${encodeURIComponent(backend)}`;
}

/** Whether a key belongs to a node: its own, or that of one of its backends. */
export function isKeyOf(key: string, node: NodeName): boolean {
  return key === keyOf(node) || key.startsWith(`${keyOf(node)}/`);
}

export function nodeOf(key: string): NodeName {
  const [tracker = '', path = ''] = key.split('/').map(decodeURIComponent);
  return { tracker, path };
}

/** Writes a record as text. */
export function encode(record: QueuedRecord, node: NodeName): string {
  if (!isEvent(record)) return toJson({ record: packMetadata(record) });
  const { path, event, attempts } = record;
  const at = path === node.path ? undefined : path;
  return toJson({ at, attempts, event: packEvent(event) });
}

/** @throws {@link MalformedEventError} for the text of another format */
export function decode(text: string, node: NodeName): QueuedRecord {
  const { at, attempts, event, record } = parse(text);
  if (record !== undefined) return unpackMetadata(record);
  return { path: at ?? node.path, attempts, event: unpackEvent(event) };
}

export function isEvent(record: QueuedRecord): record is QueuedEvent {
  return 'event' in record;
}

export function isMetadata(record: QueuedRecord): record is MetadataRecord {
  return !isEvent(record);
}

interface Encoded {
  at?: string;
  attempts?: number;
  event?: PackedEvent;
  record?: PackedEvent;
}

function parse(text: string): Encoded {
  try {
    return JSON.parse(text) as Encoded;
  } catch (error) {
    throw new MalformedEventError('A queued event could not be read: it is not JSON.', {
      cause: error,
    });
  }
}
