import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import { toJson } from '../core/event/json.js';
import { copyOf } from '../core/event/snapshot.js';

/** How a request contains its events: an array of JSON, lines of JSON, or a single event. */
export type HttpFormat = 'json' | 'ndjson' | 'single';

/** Returns the body of a request: text and bytes are sent as they are, other values as JSON. */
export type HttpBody = (events: readonly TrackingEvent[]) => unknown;

/** How events become requests. */
export interface BodySettings {
  readonly format: HttpFormat;
  readonly body: HttpBody | undefined;
  /** The longest body, in bytes. */
  readonly maxBytes: number;
}

/** A part of a batch that fits into one request, or an event that does not. */
export interface PackedRequest {
  readonly events: readonly TrackingEvent[];
  readonly body: Uint8Array;
  /** Whether a single event is above the limit. */
  readonly isTooLarge: boolean;
}

/** Divides a batch, in order, into requests that stay within the limit of bytes. */
export function packRequests(
  events: readonly TrackingEvent[],
  settings: BodySettings,
): Iterable<PackedRequest> {
  const { format, body, maxBytes } = settings;
  if (body !== undefined) return packShaped(events, { ...settings, body });
  if (format === 'single') return packShaped(events, { format, maxBytes, body: firstEvent });
  return packLines(events, maxBytes, format === 'json' ? JSON_ARRAY : NDJSON);
}

const firstEvent: HttpBody = ([event]) => event;

/** How the JSON of several events becomes one body. */
interface Layout {
  readonly open: string;
  readonly separator: string;
  readonly close: string;
}

const JSON_ARRAY: Layout = { open: '[', separator: ',', close: ']' };
const NDJSON: Layout = { open: '', separator: '\n', close: '\n' };

function* packLines(
  events: readonly TrackingEvent[],
  maxBytes: number,
  layout: Layout,
): Generator<PackedRequest> {
  const whole = Buffer.from(wholeOf(events, layout));
  if (whole.byteLength <= maxBytes) {
    yield { events, body: whole, isTooLarge: false };
    return;
  }
  const { open, separator, close } = layout;
  const lines = events.map(jsonOf);
  const packed = (start: number, end: number): PackedRequest => {
    const body = Buffer.from(open + lines.slice(start, end).join(separator) + close);
    return { events: events.slice(start, end), body, isTooLarge: body.byteLength > maxBytes };
  };
  const around = open.length + close.length;
  let start = 0;
  let bytes = around;
  for (const [index, line] of lines.entries()) {
    const size = Buffer.byteLength(line);
    const isFirst = index === start;
    const added = size + (isFirst ? 0 : separator.length);
    if (!isFirst && bytes + added > maxBytes) {
      yield packed(start, index);
      start = index;
      bytes = around + size;
    } else {
      bytes += added;
    }
  }
  yield packed(start, lines.length);
}

function wholeOf(events: readonly TrackingEvent[], layout: Layout): string {
  // One call for all events is faster than one for each.
  if (layout === JSON_ARRAY) return jsonOf(events);
  return events.map(jsonOf).join(layout.separator) + layout.close;
}

function* packShaped(
  events: readonly TrackingEvent[],
  settings: BodySettings & { body: HttpBody },
): Generator<PackedRequest> {
  const { format, body, maxBytes } = settings;
  const isOne = events.length === 1;
  if (isOne || format !== 'single') {
    const bytes = bytesOf(body(events));
    const isTooLarge = bytes.byteLength > maxBytes;
    if (isOne || !isTooLarge) {
      yield { events, body: bytes, isTooLarge };
      return;
    }
  }
  const middle = Math.ceil(events.length / 2);
  yield* packShaped(events.slice(0, middle), settings);
  yield* packShaped(events.slice(middle), settings);
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'object' && value !== null) return Buffer.from(jsonOf(value));
  throw new TypeError(
    `body must return text, bytes, an object or an array; received ${describeValue(value)}.`,
  );
}

/** Converts values that JSON rejects, which a processor may have added, as in emitted data. */
function jsonOf(value: object): string {
  try {
    return toJson(value);
  } catch {
    return toJson(copyOf(value));
  }
}
