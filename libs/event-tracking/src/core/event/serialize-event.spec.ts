import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventTrackingError, MalformedEventError } from '../diagnostics/errors.js';
import type { TrackingEvent } from './event.js';
import { parseEvent, parseTimestamp, serializeEvent } from './serialize-event.js';

/** An object of values that survive a round trip through JSON, without negative zero. */
const record = fc
  .dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })
  .map((values) => JSON.parse(JSON.stringify(values)) as Record<string, unknown>);

const events = fc.record(
  {
    id: fc.uuid({ version: 7 }),
    name: fc.string({ unit: 'binary' }),
    timestamp: fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    }),
    context: record,
    data: record,
    name_id: fc.string(),
    context_type_id: fc.string(),
  },
  { requiredKeys: ['id', 'name', 'timestamp', 'context', 'data'], noNullPrototype: true },
);

const event: TrackingEvent = {
  id: '018f',
  name: 'course.enrolled',
  timestamp: new Date('2013-09-12T12:55:00.120Z'),
  context: { user_id: 7 },
  data: { course_id: 'DemoX' },
};

describe('serializeEvent', () => {
  it('writes an event that parseEvent restores', () => {
    fc.assert(
      fc.property(events, (written) => {
        expect(parseEvent(serializeEvent(written))).toEqual(written);
      }),
    );
  });

  it('writes one line, even if strings contain newlines', () => {
    fc.assert(
      fc.property(events, (written) => {
        expect(serializeEvent(written)).not.toMatch(/[\r\n]/);
      }),
    );
    expect(serializeEvent({ ...event, name: 'a\r\n{"forged":true}' })).toContain(
      '"name":"a\\r\\n{',
    );
  });

  it('writes the timestamp in UTC with milliseconds', () => {
    expect(serializeEvent(event)).toBe(
      '{"id":"018f","name":"course.enrolled","timestamp":"2013-09-12T12:55:00.120Z",' +
        '"context":{"user_id":7},"data":{"course_id":"DemoX"}}',
    );
  });

  it('converts values that JSON rejects, as in emitted data', () => {
    const circular: Record<string, unknown> = { total: 10n };
    circular['self'] = circular;
    expect(JSON.parse(serializeEvent({ ...event, data: circular }))).toMatchObject({
      timestamp: '2013-09-12T12:55:00.120Z',
      data: { total: '10', self: '[Circular]' },
    });
  });
});

describe('parseEvent', () => {
  it('keeps unknown keys', () => {
    expect(parseEvent(JSON.stringify({ ...event, name_id: '10ac28', added: 1 }))).toEqual({
      ...event,
      name_id: '10ac28',
      added: 1,
    });
  });

  it('uses empty objects for a missing context and data', () => {
    expect(parseEvent('{"id":"1","name":"a","timestamp":"2020-01-01T12:12:12+00:00"}')).toEqual({
      id: '1',
      name: 'a',
      timestamp: new Date('2020-01-01T12:12:12Z'),
      context: {},
      data: {},
    });
  });

  it.each([
    ['invalid JSON', 'course.enrolled'],
    ['an empty text', ''],
    ['a truncated line', serializeEvent(event).slice(0, -1)],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"course.enrolled"'],
    ['an object without an id', JSON.stringify({ ...event, id: undefined })],
    ['an object whose name is a number', JSON.stringify({ ...event, name: 5 })],
    ['an object without a timestamp', JSON.stringify({ ...event, timestamp: undefined })],
    ['an object whose timestamp is a number', JSON.stringify({ ...event, timestamp: 0 })],
  ])('rejects %s', (_, text) => {
    expect(() => parseEvent(text)).toThrow(MalformedEventError);
    expect(() => parseEvent(text)).toThrow(EventTrackingError);
    expect(() => parseEvent(text)).toThrow(
      expect.objectContaining({ name: 'MalformedEventError', code: 'MALFORMED_EVENT' }),
    );
  });

  it('keeps the error of JSON.parse as the cause', () => {
    expect(() => parseEvent('{')).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) }),
    );
  });
});

describe('parseTimestamp', () => {
  it.each([
    ['2013-09-12T12:55:00Z', '2013-09-12T12:55:00.000Z'],
    ['2013-09-12T12:55:00.1Z', '2013-09-12T12:55:00.100Z'],
    ['2013-09-12T12:55:00.12345+00:00', '2013-09-12T12:55:00.123Z'],
    ['2013-09-12T12:55:00.123999999Z', '2013-09-12T12:55:00.123Z'],
    ['2013-09-12T12:05:00-00:00', '2013-09-12T12:05:00.000Z'],
    ['2013-09-12T12:55:00+05:30', '2013-09-12T07:25:00.000Z'],
    ['2013-09-12T23:30:00.5-08:00', '2013-09-13T07:30:00.500Z'],
    ['2013-09-12t12:55:00z', '2013-09-12T12:55:00.000Z'],
    ['2013-09-12 12:55:00Z', '2013-09-12T12:55:00.000Z'],
    ['2012-02-29T00:00:00Z', '2012-02-29T00:00:00.000Z'],
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000Z'],
    ['1990-12-31T15:59:60.5-08:00', '1991-01-01T00:00:00.500Z'],
  ])('parses %s', (text, expected) => {
    expect(parseTimestamp(text).toISOString()).toBe(expected);
  });

  it('parses fractions of 0 to 9 digits and cuts them to milliseconds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 999_999_999 }),
        (digits, nanoseconds) => {
          const fraction = String(nanoseconds).padStart(9, '0').slice(0, digits);
          const text = `2013-09-12T12:55:00${digits === 0 ? '' : `.${fraction}`}Z`;
          expect(parseTimestamp(text).getUTCMilliseconds()).toBe(
            Number(fraction.slice(0, 3).padEnd(3, '0')),
          );
        },
      ),
    );
  });

  it.each([
    '2013-09-12',
    '2013-09-12T12:55Z',
    '2013-09-12T12:55:00',
    '2013-09-12T12:55:00.Z',
    '2013-09-12T12:55:00.1234567890Z',
    '2013-09-12T12:55:00+0000',
    '2013-13-12T12:55:00Z',
    '2013-09-31T12:55:00Z',
    '2013-02-29T12:55:00Z',
    '2013-09-12T24:00:00Z',
    '2013-09-12T12:60:00Z',
    '2013-09-12T12:55:60Z',
    '2013-09-12T12:59:60Z',
    '2013-09-12T12:55:00+24:00',
    '2013-09-12T12:55:00Z\n',
    ' 2013-09-12T12:55:00Z',
    '+002013-09-12T12:55:00Z',
    '2013-W37-4T12:55:00Z',
    'Thu, 12 Sep 2013 12:55:00 GMT',
    '',
  ])('rejects %j', (text) => {
    expect(() => parseTimestamp(text)).toThrow(/must be RFC 3339 such as .*; received the string/);
  });

  it.each([undefined, null, 0, {}, ['2013-09-12T12:55:00Z']])(
    'rejects %j, which is not a string',
    (value) => {
      expect(() => parseTimestamp(value)).toThrow(MalformedEventError);
    },
  );
});
