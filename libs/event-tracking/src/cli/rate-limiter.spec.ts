import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimiter } from './rate-limiter.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/**
 * Starts batches as soon as the limiter allows, and returns when each one started, in milliseconds.
 */
async function startTimes(limiter: RateLimiter, counts: readonly number[]): Promise<number[]> {
  const start = performance.now();
  const times: number[] = [];
  const all = (async () => {
    for (const count of counts) {
      await limiter.acquire(count);
      times.push(performance.now() - start);
    }
  })();
  await vi.runAllTimersAsync();
  await all;
  return times;
}

describe('RateLimiter', () => {
  it('delays a batch until the rate allows for the batches before it', async () => {
    expect(await startTimes(new RateLimiter(100), [10, 10, 5, 10])).toEqual([0, 100, 200, 250]);
  });

  it('delays each item if the rate is below one per second', async () => {
    const limiter = new RateLimiter(0.5);
    expect(limiter.batchSize).toBe(1);
    expect(await startTimes(limiter, [1, 1, 1])).toEqual([0, 2_000, 4_000]);
  });

  it('does not exceed the rate after a slow batch', async () => {
    const limiter = new RateLimiter(10);
    await startTimes(limiter, [1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await startTimes(limiter, [1, 1, 1])).toEqual([0, 100, 200]);
  });

  it('delays nothing if the rate is infinite', async () => {
    const limiter = new RateLimiter(Number.POSITIVE_INFINITY);
    expect(limiter.batchSize).toBe(Number.POSITIVE_INFINITY);
    expect(await startTimes(limiter, [1_000, 1_000])).toEqual([0, 0]);
  });

  it('starts a tenth of the items of a second at a time', () => {
    expect(new RateLimiter(95).batchSize).toBe(10);
  });
});
