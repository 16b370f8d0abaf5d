import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateEventSize, estimateSize } from './event-size.js';

describe('The estimated size of an event', () => {
  it('is of the order of its JSON: control characters are written longer, numbers shorter', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const event = { id: '0'.repeat(36), name: 'e', timestamp: new Date(0), context: {}, data };
        const json = JSON.stringify(event).length;
        expect(estimateEventSize(event)).toBeGreaterThan(json / 6);
        expect(estimateEventSize(event)).toBeLessThan(6 * json + 512);
      }),
    );
  });

  it('is found for what a processor has made endless, and for what cannot be read', () => {
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
});
