import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateEventSize, estimateSize } from './event-size.js';

describe('The estimated size of an event', () => {
  it('approximates the length of its JSON, which varies with control characters and numbers', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const event = { id: '0'.repeat(36), name: 'e', timestamp: new Date(0), context: {}, data };
        const json = JSON.stringify(event).length;
        expect(estimateEventSize(event)).toBeGreaterThan(json / 6);
        expect(estimateEventSize(event)).toBeLessThan(6 * json + 512);
      }),
    );
  });

  it('is computed for endless data and for data with throwing getters', () => {
    const circle: Record<string, unknown> = {};
    circle['one'] = circle;
    circle['other'] = circle;
    expect(estimateSize(circle)).toBeGreaterThan(0);
    const trap = {
      text: 'x'.repeat(100),
      get trap() {
        throw new Error('not to be read');
      },
    };
    expect(estimateSize(trap)).toBeGreaterThan(100);
  });

  it('is computed quickly for huge lists and byte arrays', () => {
    const started = performance.now();
    const list: unknown[] = [];
    list.length = 2 ** 32 - 1;
    expect(estimateSize(list)).toBeGreaterThan(100_000);
    expect(estimateSize(Buffer.alloc(20_000_000))).toBeGreaterThan(20_000_000);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('is computed for an event whose fields a processor made unreadable', () => {
    const unreadable = {
      id: '1',
      name: Object.create(null) as string,
      timestamp: new Date(0),
      data: { text: 'x'.repeat(100) },
      get context(): Record<string, unknown> {
        throw new Error('not to be read');
      },
    };
    expect(estimateEventSize(unreadable)).toBeGreaterThan(100);
  });
});
