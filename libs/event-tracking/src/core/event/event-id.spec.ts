import { describe, expect, it, vi } from 'vitest';
import { createEventId } from './event-id.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// Ids never go back, so that each test takes its times from behind those of the tests before.
let now = Date.UTC(2030, 0, 1);
const later = (): number => (now += 1_000_000);

const millisecondOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('createEventId', () => {
  it('lays a UUID of version 7 out as RFC 9562 says: milliseconds, version, variant', () => {
    const time = later();
    const id = createEventId(time);
    expect(id).toMatch(UUID_V7);
    expect(millisecondOf(id)).toBe(time);
  });

  it('pads times of the distant past', async () => {
    vi.resetModules();
    const fresh = await import('./event-id.js');
    expect(fresh.createEventId(1)).toMatch(/^00000000-0001-7/);
  });

  it('increases strictly, and repeats none, for 200,000 ids within one millisecond', () => {
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

  it('increases from one millisecond to the next', () => {
    const time = later();
    const ids = Array.from({ length: 1_000 }, (_, index) => createEventId(time + index));
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(millisecondOf)).toEqual(ids.map((_, index) => time + index));
  });

  it('increases while the clock goes back, and follows it when it has caught up', () => {
    const time = later();
    const ids = [time, time - 1, time - 60_000, 0, Number.NaN, time, time + 1].map((at) =>
      createEventId(at),
    );
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, -1).map(millisecondOf)).toEqual(Array(6).fill(time));
    expect(millisecondOf(ids.at(-1)!)).toBe(time + 1);
  });

  it('borrows from the next millisecond when the counter is exhausted', () => {
    const time = later();
    let last = createEventId(time);
    let made = 1;
    while (millisecondOf(last) === time && made <= 2 ** 26) {
      // Most ids are made unseen: comparing all of them would take seconds.
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

  it('differs between milliseconds also where the counter does not', () => {
    const time = later();
    const tails = Array.from({ length: 1_000 }, (_, index) =>
      createEventId(time + index).slice(-12),
    );
    expect(new Set(tails).size).toBe(1_000);
  });
});
