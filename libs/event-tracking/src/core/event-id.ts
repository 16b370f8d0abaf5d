/**
 * UUIDs of version 7 (RFC 9562, section 5.7), increasing within the process.
 *
 * The layout follows the RFC's "fixed bit-length dedicated counter" (section 6.2, method 1): a 26-bit counter,
 * reseeded each millisecond with its top bit clear, sits in `rand_a` and the head of `rand_b`; 48 random bits
 * follow. When the clock stands still or goes back, the counter goes on; when it overflows, the id's
 * millisecond is advanced.
 */

const HEX3 = Array.from({ length: 4096 }, (_, value) => value.toString(16).padStart(3, '0'));
const COUNTER_LOW_BITS = 14;
const COUNTER_LIMIT = 2 ** 26;
const COUNTER_SEED_LIMIT = 2 ** 25;
const VARIANT = 0x8000;

const pool = new Uint16Array(1024);
let poolPosition = pool.length;
let lastMillisecond = -1;
let prefix = '';
let counter = 0;

/** Makes the next event id. */
export function createEventId(now: number): string {
  if (now > lastMillisecond) {
    startMillisecond(now);
  } else if (++counter >= COUNTER_LIMIT) {
    startMillisecond(lastMillisecond + 1);
  }
  const variantAndCounter = VARIANT | (counter & 0x3fff);
  return (
    prefix +
    HEX3[counter >>> COUNTER_LOW_BITS]! +
    '-' +
    HEX3[variantAndCounter >>> 4]! +
    HEX1[variantAndCounter & 0xf]! +
    '-' +
    HEX3[random12()]! +
    HEX3[random12()]! +
    HEX3[random12()]! +
    HEX3[random12()]!
  );
}

const HEX1 = '0123456789abcdef';

function startMillisecond(millisecond: number): void {
  lastMillisecond = millisecond;
  const hex = millisecond.toString(16).padStart(12, '0');
  prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  counter = ((random12() << 13) | (random12() << 1)) % COUNTER_SEED_LIMIT;
}

function random12(): number {
  if (poolPosition === pool.length) {
    globalThis.crypto.getRandomValues(pool);
    poolPosition = 0;
  }
  return pool[poolPosition++]! & 0xfff;
}
