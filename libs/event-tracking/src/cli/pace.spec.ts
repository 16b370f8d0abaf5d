import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from './pace.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Lets portions begin, one as soon as the other may; when each began, in milliseconds. */
async function begin(pace: Pace, counts: readonly number[]): Promise<number[]> {
  const start = performance.now();
  const moments: number[] = [];
  const all = (async () => {
    for (const count of counts) {
      await pace.allow(count);
      moments.push(performance.now() - start);
    }
  })();
  await vi.runAllTimersAsync();
  await all;
  return moments;
}

describe('Pace', () => {
  it('lets no more begin than the rate allows for what began before', async () => {
    expect(await begin(new Pace(100), [10, 10, 5, 10])).toEqual([0, 100, 200, 250]);
  });

  it('waits with each, where less than one a second may begin', async () => {
    const pace = new Pace(0.5);
    expect(pace.portion).toBe(1);
    expect(await begin(pace, [1, 1, 1])).toEqual([0, 2_000, 4_000]);
  });

  it('does not catch up on what took longer', async () => {
    const pace = new Pace(10);
    await begin(pace, [1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await begin(pace, [1, 1, 1])).toEqual([0, 100, 200]);
  });

  it('holds nothing up where there is no rate', async () => {
    const pace = new Pace(Number.POSITIVE_INFINITY);
    expect(pace.portion).toBe(Number.POSITIVE_INFINITY);
    expect(await begin(pace, [1_000, 1_000])).toEqual([0, 0]);
  });

  it('spreads what may begin in a second', () => {
    expect(new Pace(95).portion).toBe(10);
  });
});
