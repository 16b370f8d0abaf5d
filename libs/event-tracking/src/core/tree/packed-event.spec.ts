import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrackingEvent } from '../event/event.js';
import { packEvent, unpackEvent } from './packed-event.js';

const throughJson = (event: TrackingEvent): TrackingEvent =>
  unpackEvent(JSON.parse(JSON.stringify(packEvent(event))));

function eventOf(data: Record<string, unknown>): TrackingEvent {
  return { id: '1', name: 'sold', timestamp: new Date(1), context: { at: new Date(2) }, data };
}

describe('A packed event', () => {
  it('survives a round trip through JSON, including dates at any depth', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.date({ noInvalidDate: true }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(fc.string(), fc.constantFrom('$date', '$plain', '__proto__', 'toJSON', 'a.b')),
          tie('value'),
          { maxKeys: 4 },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (data) => {
        const event = eventOf(data);
        expect(throughJson(event)).toEqual(event);
      }),
    );
  });

  it('has text for values of a processor that JSON cannot represent', () => {
    expect(throughJson(eventOf({ n: 10n, f: () => 1 })).data).toEqual({
      n: '10',
      f: '[Function f]',
    });
  });

  it('keeps its own timestamp if other events are packed in between', () => {
    const events = [1, 2, 1].map((time) => ({ ...eventOf({}), timestamp: new Date(time) }));
    expect(events.map(throughJson)).toEqual(events);
  });

  it('is rejected if it is not an event', () => {
    expect(() => unpackEvent({ name: 'sold' })).toThrow(/the value is not an event/);
  });
});
