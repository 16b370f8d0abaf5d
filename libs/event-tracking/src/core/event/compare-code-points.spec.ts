import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints } from './compare-code-points.js';

const strings = fc.string({ unit: 'binary' });

describe('byCodePoint', () => {
  it('sorts as the reference does', () => {
    expect(['b', 'a', '_', 'B', '9', '10'].sort(compareCodePoints)).toEqual([
      '10',
      '9',
      'B',
      '_',
      'a',
      'b',
    ]);
  });

  it('puts what lies beyond 16 bits last, where UTF-16 would not', () => {
    expect(['\u{1F600}', '\uFFFD'].sort(compareCodePoints)).toEqual(['\uFFFD', '\u{1F600}']);
    expect(['\u{1F600}', '\uFFFD'].sort()).toEqual(['\u{1F600}', '\uFFFD']);
  });

  it('puts a beginning before what continues it', () => {
    expect(compareCodePoints('ab', 'abc')).toBeLessThan(0);
    expect(compareCodePoints('', 'a')).toBeLessThan(0);
  });

  it('agrees with the order of UTF-8 bytes, which is that of code points', () => {
    fc.assert(
      fc.property(strings, strings, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(
          Buffer.compare(Buffer.from(a), Buffer.from(b)),
        );
      }),
    );
  });
});
