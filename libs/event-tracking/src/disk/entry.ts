import { crc32 } from 'node:zlib';
import { MalformedEventError } from '../core/diagnostics/errors.js';
import type { QueuedEvent } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import {
  packEvent,
  packMetadata,
  unpackEvent,
  unpackMetadata,
  type PackedEvent,
} from '../core/event/packed-event.js';

const CHECKSUM_DIGITS = 8;
const NUMBER_DIGITS = 12;

/** A node of a tracker's tree. */
export interface Node {
  tracker: string;
  path: string;
}

/** What the keys of a node's entries begin with. */
export function prefixOf({ tracker, path }: Node): string {
  return `${encodeURIComponent(tracker)}/${encodeURIComponent(path)}/`;
}

/** A key behind all that begin like this one. */
export function endOf(prefix: string): string {
  return `${prefix}~`;
}

/** The node that a key is of. */
export function nodeOf(key: string): Node {
  const [tracker = '', path = ''] = key.split('/').map(decodeURIComponent);
  return { tracker, path };
}

/** Keys increase with the number. */
export function keyOf(prefix: string, number: number): string {
  return prefix + number.toString(36).padStart(NUMBER_DIGITS, '0');
}

export function numberOf(key: string, prefix: string): number {
  return Number.parseInt(key.slice(prefix.length, prefix.length + NUMBER_DIGITS), 36);
}

/** A key of its own for one of the events that an entry has become; it stands where the entry stood. */
export function keyWithin(key: string, index: number): string {
  return `${key}.${index.toString(36).padStart(4, '0')}`;
}

/** What an entry holds: an event, or a metadata record that events behind it refer to. */
export type Written = QueuedEvent | MetadataRecord;

/** Writes it down, and by a checksum how it will be known to be whole. */
export function encode(written: Written, node: Node): string {
  if (!isQueuedEvent(written))
    return withChecksum(JSON.stringify({ record: packMetadata(written) }));
  const { path, event } = written;
  const at = path === node.path ? undefined : path;
  return withChecksum(JSON.stringify({ at, event: packEvent(event) }));
}

/** @throws {@link MalformedEventError} for what is not as it was written */
export function decode(entry: string, node: Node): Written {
  const text = entry.slice(CHECKSUM_DIGITS);
  if (entry.slice(0, CHECKSUM_DIGITS) !== checksumOf(text)) {
    throw new MalformedEventError('A queued event could not be read: its checksum is another.');
  }
  const written = JSON.parse(text) as { at?: string; event?: PackedEvent; record?: PackedEvent };
  if (written.record !== undefined) return unpackMetadata(written.record);
  return { path: written.at ?? node.path, event: unpackEvent(written.event) };
}

/** Tells what is to be delivered from what is to be registered. */
export function isQueuedEvent(written: Written): written is QueuedEvent {
  return 'event' in written;
}

/** Tells what is to be registered from what is to be delivered. */
export function isMetadataRecord(written: Written): written is MetadataRecord {
  return !isQueuedEvent(written);
}

function withChecksum(text: string): string {
  return checksumOf(text) + text;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_DIGITS, '0');
}
