/**
 * UUIDs of version 7 (RFC 9562, section 5.7), increasing within the process.
 *
 * The layout follows the RFC's "fixed bit-length dedicated counter" (section 6.2, method 1). A
 * 26-bit counter, reseeded each millisecond with its top bit clear, fills `rand_a` and the head of
 * `rand_b`; 48 bits that are redrawn each millisecond follow. While the clock stands still or runs
 * backwards, the counter keeps counting; when it overflows, the id's millisecond advances.
 */

const HEX3 = Array.from({ length: 4096 }, (_, value) => value.toString(16).padStart(3, '0'));
const HEX1_DASH = Array.from('0123456789abcdef', (digit) => `${digit}-`);
const LOW_BITS = 14;
const LOW_LIMIT = 2 ** LOW_BITS;
const HIGH_LIMIT = 2 ** 12;
const VARIANT = 0x8000;
/** Later times do not fit into the id. */
const TIME_LIMIT = 2 ** 48;

const pool = new Uint16Array(1024);
let poolPosition = pool.length;
let lastMillisecond = -1;
/** The counter is full at first, so that the first id starts a millisecond whatever the clock shows. */
let high = HIGH_LIMIT - 1;
let low = LOW_LIMIT - 1;
/** The text before the counter's low bits, and the text after them. */
let head = '';
let tail = '';
let millisecondHead = '';

export function createEventId(now: number): string {
  if (now >= lastMillisecond + 1 && now < TIME_LIMIT) startMillisecond(Math.trunc(now));
  else if (++low === LOW_LIMIT) carry();
  const variantAndLow = VARIANT | low;
  // Few, short pieces: V8 copies strings below 13 characters at once and defers longer
  // concatenations.
  return head + (HEX3[variantAndLow >>> 4]! + HEX1_DASH[variantAndLow & 0xf]!) + tail;
}

function startMillisecond(millisecond: number): void {
  lastMillisecond = millisecond;
  const hex = millisecond.toString(16).padStart(12, '0');
  millisecondHead = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  tail = HEX3[random12()]! + HEX3[random12()]! + HEX3[random12()]! + HEX3[random12()]!;
  low = (random12() << 2) | (random12() & 3);
  setHigh(random12() >>> 1);
}

function carry(): void {
  low = 0;
  if (high + 1 === HIGH_LIMIT) startMillisecond(lastMillisecond + 1);
  else setHigh(high + 1);
}

function setHigh(value: number): void {
  high = value;
  head = `${millisecondHead}${HEX3[high]!}-`;
}

function random12(): number {
  if (poolPosition === pool.length) {
    globalThis.crypto.getRandomValues(pool);
    poolPosition = 0;
  }
  return pool[poolPosition++]! & 0xfff;
}
