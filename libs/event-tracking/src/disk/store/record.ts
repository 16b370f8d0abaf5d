import { crc32 } from 'node:zlib';

/** Begins each record. 0xF5 and 0xFE occur in no UTF-8 text, so no payload looks like a record. */
const MAGIC = Buffer.from([0xf5, 0x45, 0x54, 0xfe]);
const HEADER_BYTES = 24;
const AT = { crc: 4, length: 8, version: 12, flags: 13, keyLength: 14, sequence: 16 } as const;
const SEQUENCE_BYTES = 6;
/** The version of records that this release writes and reads. */
export const RECORD_VERSION = 1;

const STARTS_COMMIT = 1;
const IS_GAP = 2;
const HAS_POSITION = 4;

/** The content of a record, before it has a sequence number. */
export interface RecordContent {
  /** Names the node that the record belongs to. */
  readonly key: string;
  readonly payload: string;
  /** The sequence number of the record in whose place this one stands, if it replaces one. */
  readonly position?: number | undefined;
}

/** A record whose checksum was right. */
export interface StoredRecord extends RecordContent {
  readonly sequence: number;
  /** How many bytes it takes in its segment. */
  readonly size: number;
}

/** A record as it stands in a segment, before its payload is read. */
export interface RawRecord {
  readonly sequence: number;
  readonly version: number;
  readonly key: string;
  /** Whether everything before it was on the disk when it was written. */
  readonly startsCommit: boolean;
  /** The last of the acknowledged sequence numbers that this record stands for, if any. */
  readonly gapEnd: number | undefined;
  /** The sequence number of the record in whose place this one stands, if it replaces one. */
  readonly position: number | undefined;
  /** Where it stands in the file. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export function encodeCommit(contents: readonly RecordContent[], first: number): Buffer {
  const sizes = contents.map(({ key, payload, position }) => ({
    key: Buffer.byteLength(key),
    body:
      Buffer.byteLength(key) +
      (position === undefined ? 0 : SEQUENCE_BYTES) +
      Buffer.byteLength(payload),
  }));
  const total = sizes.reduce((sum, { body }) => sum + HEADER_BYTES + body, 0);
  const buffer = Buffer.allocUnsafe(total);
  let start = 0;
  for (const [index, { key, payload, position }] of contents.entries()) {
    const size = sizes[index]!;
    const body = start + HEADER_BYTES;
    const end = body + size.body;
    let at = body + buffer.write(key, body, 'utf8');
    if (position !== undefined) at = buffer.writeUIntBE(position, at, SEQUENCE_BYTES);
    buffer.write(payload, at, 'utf8');
    writeHeader(buffer.subarray(start, end), {
      flags: (index === 0 ? STARTS_COMMIT : 0) | (position === undefined ? 0 : HAS_POSITION),
      keyLength: size.key,
      sequence: first + index,
    });
    start = end;
  }
  return buffer;
}

/** Writes a record that stands for acknowledged ones which compaction has left out. */
export function encodeGap(first: number, last: number): Buffer {
  const buffer = Buffer.alloc(HEADER_BYTES + SEQUENCE_BYTES);
  buffer.writeUIntBE(last, HEADER_BYTES, SEQUENCE_BYTES);
  writeHeader(buffer, { flags: IS_GAP, keyLength: 0, sequence: first });
  return buffer;
}

/** Reads the payload of a record. */
export function contentOf({ key, sequence, position, bytes }: RawRecord): StoredRecord {
  const afterKey = HEADER_BYTES + bytes.readUInt16BE(AT.keyLength);
  const start = position === undefined ? afterKey : afterKey + SEQUENCE_BYTES;
  return { sequence, key, position, payload: bytes.toString('utf8', start), size: bytes.length };
}

/**
 * Reads the record at an offset of a buffer.
 *
 * @param place - where the buffer stands in the file, and where the file ends
 * @returns how many bytes are needed, where the buffer has too few of them; undefined for an invalid record
 */
export function readRecord(
  buffer: Buffer,
  offset: number,
  { start, end }: { start: number; end: number },
): RawRecord | number | undefined {
  const available = end - start - offset;
  if (available < HEADER_BYTES) return undefined;
  if (buffer.length - offset < HEADER_BYTES) return HEADER_BYTES;
  if (MAGIC.compare(buffer, offset, offset + MAGIC.length) !== 0) return undefined;
  const size = HEADER_BYTES + buffer.readUInt32BE(offset + AT.length);
  if (size > available) return undefined;
  if (buffer.length - offset < size) return size;
  const bytes = buffer.subarray(offset, offset + size);
  if (crc32(bytes.subarray(AT.length)) !== bytes.readUInt32BE(AT.crc)) return undefined;
  const flags = bytes[AT.flags]!;
  const version = bytes[AT.version]!;
  const has = (flag: number): boolean => version === RECORD_VERSION && (flags & flag) !== 0;
  const afterKey = HEADER_BYTES + bytes.readUInt16BE(AT.keyLength);
  return {
    sequence: bytes.readUIntBE(AT.sequence, SEQUENCE_BYTES),
    version,
    key: bytes.toString('utf8', HEADER_BYTES, afterKey),
    startsCommit: has(STARTS_COMMIT),
    gapEnd: has(IS_GAP) ? bytes.readUIntBE(HEADER_BYTES, SEQUENCE_BYTES) : undefined,
    position: has(HAS_POSITION) ? bytes.readUIntBE(afterKey, SEQUENCE_BYTES) : undefined,
    offset: start + offset,
    bytes,
  };
}

/** Returns the offset of the next place where a record may begin, or -1. */
export function nextMagic(buffer: Buffer, from: number): number {
  return buffer.indexOf(MAGIC, from);
}

function writeHeader(
  record: Buffer,
  { flags, keyLength, sequence }: { flags: number; keyLength: number; sequence: number },
): void {
  MAGIC.copy(record);
  record.writeUInt32BE(record.length - HEADER_BYTES, AT.length);
  record[AT.version] = RECORD_VERSION;
  record[AT.flags] = flags;
  record.writeUInt16BE(keyLength, AT.keyLength);
  record.writeUIntBE(sequence, AT.sequence, SEQUENCE_BYTES);
  record.writeUInt16BE(0, AT.sequence + SEQUENCE_BYTES);
  record.writeUInt32BE(crc32(record.subarray(AT.length)), AT.crc);
}
