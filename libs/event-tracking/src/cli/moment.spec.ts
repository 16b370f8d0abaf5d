import { describe, expect, it } from 'vitest';
import { readMoment } from './moment.js';

describe('A moment', () => {
  it.each([
    ['2026-05-06', '2026-05-06T00:00:00.000Z'],
    ['2026-05-06T07:08', '2026-05-06T07:08:00.000Z'],
    ['2026-05-06T07:08:09', '2026-05-06T07:08:09.000Z'],
    ['2026-05-06 07:08:09.5', '2026-05-06T07:08:09.500Z'],
    ['2026-05-06T07:08:09z', '2026-05-06T07:08:09.000Z'],
    ['2026-05-06T07:08:09+02:00', '2026-05-06T05:08:09.000Z'],
  ])('%s is %s in every time zone of the machine', (text, moment) => {
    const { TZ } = process.env;
    try {
      for (const zone of ['America/Los_Angeles', 'UTC', 'Asia/Kolkata']) {
        process.env['TZ'] = zone;
        expect(readMoment(text).toISOString()).toBe(moment);
      }
    } finally {
      if (TZ === undefined) delete process.env['TZ'];
      else process.env['TZ'] = TZ;
    }
  });

  it.each(['', 'May 6', '2026-5-6', '2026-02-30', '2026-05-06T25:00', '06/05/2026', '2h ago'])(
    'cannot be %j',
    (text) => {
      expect(() => readMoment(text)).toThrow(/--since must be a moment/);
    },
  );
});
