import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints } from './compare-code-points.js';

const strings = fc.string({ unit: 'binary' });

describe('compareCodePoints', () => {
  it('sorts like Python', () => {
    expect(['b', 'a', '_', 'B', '9', '10'].sort(compareCodePoints)).toEqual([
      '10',
      '9',
      'B',
      '_',
      'a',
      'b',
    ]);
  });

  it('sorts characters beyond 16 bits last, unlike UTF-16', () => {
    expect(['\u{1F600}', '\uFFFD'].sort(compareCodePoints)).toEqual(['\uFFFD', '\u{1F600}']);
    expect(['\u{1F600}', '\uFFFD'].sort()).toEqual(['\u{1F600}', '\uFFFD']);
  });

  it('sorts a prefix before longer strings', () => {
    expect(compareCodePoints('ab', 'abc')).toBeLessThan(0);
    expect(compareCodePoints('', 'a')).toBeLessThan(0);
  });

  it('agrees with the order of UTF-8 bytes', () => {
    fc.assert(
      fc.property(strings, strings, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(
          Buffer.compare(Buffer.from(a), Buffer.from(b)),
        );
      }),
    );
  });
});
