import { describe, expect, it, vi } from 'vitest';
import { createEventId } from './event-id.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// Ids never go back, so each test uses later times than the tests before it.
let now = Date.UTC(2030, 0, 1);
const later = (): number => (now += 1_000_000);

const millisecondOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('createEventId', () => {
  it('returns a UUIDv7 with milliseconds, version and variant as in RFC 9562', () => {
    const time = later();
    const id = createEventId(time);
    expect(id).toMatch(UUID_V7);
    expect(millisecondOf(id)).toBe(time);
  });

  it('pads times in the distant past', async () => {
    vi.resetModules();
    const fresh = await import('./event-id.js');
    expect(fresh.createEventId(1)).toMatch(/^00000000-0001-7/);
  });

  it('returns 200,000 strictly increasing ids within one millisecond', () => {
    const time = later();
    let last = '';
    const seen = new Set<string>();
    for (let count = 0; count < 200_000; count++) {
      const id = createEventId(time);
      if (id <= last) expect.unreachable(`${id} does not come after ${last}`);
      last = id;
      seen.add(id);
    }
    expect(seen.size).toBe(200_000);
    expect(last).toMatch(UUID_V7);
    expect(millisecondOf(last)).toBe(time);
  });

  it('returns increasing ids from one millisecond to the next', () => {
    const time = later();
    const ids = Array.from({ length: 1_000 }, (_, index) => createEventId(time + index));
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(millisecondOf)).toEqual(ids.map((_, index) => time + index));
  });

  it('returns increasing ids while the clock runs backwards, and follows it after it catches up', () => {
    const time = later();
    const ids = [time, time - 1, time - 60_000, 0, Number.NaN, time, time + 1].map((at) =>
      createEventId(at),
    );
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, -1).map(millisecondOf)).toEqual(Array(6).fill(time));
    expect(millisecondOf(ids.at(-1)!)).toBe(time + 1);
  });

  it.each([Number.NaN, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2 ** 60, 1.5])(
    'returns valid, increasing ids when the clock shows %s, also first of all',
    async (time) => {
      vi.resetModules();
      const fresh = await import('./event-id.js');
      const ids = [time, time, 1_000, time, 2_000.7].map((at) => fresh.createEventId(at));
      for (const id of ids) expect(id).toMatch(UUID_V7);
      expect(ids.toSorted()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
      expect(millisecondOf(ids.at(-1)!)).toBe(2_000);
    },
  );

  it('advances the millisecond when the counter overflows', () => {
    const time = later();
    let last = createEventId(time);
    let made = 1;
    while (millisecondOf(last) === time && made <= 2 ** 26) {
      // Compares only some of the ids: comparing all would take seconds.
      for (let count = 1; count < 1_024; count++) createEventId(time);
      made += 1_024;
      const id = createEventId(time);
      if (id <= last) expect.unreachable(`${id} does not come after ${last}`);
      last = id;
    }
    expect(made).toBeGreaterThan(2 ** 25);
    expect(last).toMatch(UUID_V7);
    expect(millisecondOf(last)).toBe(time + 1);
    const next = createEventId(time);
    expect(next > last).toBe(true);
    expect(createEventId(time + 2) > next).toBe(true);
  });

  it('returns different ids in different milliseconds even with the same counter', () => {
    const time = later();
    const tails = Array.from({ length: 1_000 }, (_, index) =>
      createEventId(time + index).slice(-12),
    );
    expect(new Set(tails).size).toBe(1_000);
  });
});
