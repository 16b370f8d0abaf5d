import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseRetryAfter } from './retry-after.js';

afterEach(() => vi.useRealTimers());

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Tue, 05 May 2026 00:00:30 GMT', 30_000],
    ['Mon, 04 May 2026 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j milliseconds', (header, milliseconds) => {
    vi.useFakeTimers({ now: new Date('2026-05-05T00:00:00Z') });
    expect(parseRetryAfter(header)).toBe(milliseconds);
  });
});
