import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryBackend } from '../backends/memory-backend.js';
import { Tracker } from '../core/tracker/tracker.js';
import { eventMatchers, type EventMatchers } from './event-matchers.js';
import { RecordingBackend } from './recording-backend.js';

declare module 'vitest' {
  // Must match the declaration of the runner.
  // oxlint-disable-next-line typescript/no-explicit-any
  interface Matchers<T = any> extends EventMatchers<T> {}
}

expect.extend(eventMatchers);

let recording: RecordingBackend;
let tracker: Tracker;

beforeEach(() => {
  recording = new RecordingBackend();
  tracker = new Tracker({ backends: { recording } });
});

/** Returns the message of a failing matcher. */
function failureOf(matcher: () => void): string {
  try {
    matcher();
  } catch (failure) {
    return (failure as Error).message;
  }
  throw new Error('The matcher passed.');
}

describe('toHaveEmitted', () => {
  beforeEach(() => {
    tracker.context({ user_id: 7, request: { path: '/courses', method: 'POST' } }, () => {
      tracker.emit('course.enrolled', {
        course_id: 'DemoX',
        run: { year: 2013, weeks: [{ n: 1, title: 'one' }] },
      });
      tracker.emit('course.enrolled', { course_id: 'Other', coupon: null });
    });
    tracker.emit('constructor');
  });

  it.each([
    ['a name', ['course.enrolled']],
    ['all of the data', ['course.enrolled', { course_id: 'Other', coupon: null }]],
    ['part of the data', ['course.enrolled', { course_id: 'DemoX' }]],
    ['part of nested data', ['course.enrolled', { run: { weeks: [{ n: 1 }] } }]],
    ['any data for an empty object', ['constructor', {}]],
    ['an absent key', ['course.enrolled', { coupon: undefined }]],
    ['an asymmetric matcher', ['course.enrolled', { course_id: expect.stringMatching(/^D/) }]],
    ['an asymmetric matcher, nested', ['course.enrolled', { run: { year: expect.any(Number) } }]],
    [
      'an asymmetric matcher as data',
      ['course.enrolled', expect.objectContaining({ course_id: 'DemoX' })],
    ],
    ['an asymmetric matcher as name', [expect.stringContaining('enrolled')]],
    ['part of the context', ['course.enrolled', undefined, { context: { user_id: 7 } }]],
    [
      'part of nested context',
      ['course.enrolled', {}, { context: { request: { method: expect.any(String) } } }],
    ],
    ['an event emitted twice', ['course.enrolled', undefined, { times: 2 }]],
    ['an event emitted once', ['course.enrolled', { course_id: 'DemoX' }, { times: 1 }]],
    ['an event expected zero times', ['course.left', undefined, { times: 0 }]],
  ] as [string, Parameters<EventMatchers['toHaveEmitted']>][])('finds %s', (_, expected) => {
    expect(recording).toHaveEmitted(...expected);
    expect(() => expect(recording).not.toHaveEmitted(...expected)).toThrow('not to be emitted');
  });

  it.each([
    ['another name', ['course.enrol']],
    ['other data', ['course.enrolled', { course_id: 'X' }]],
    ['other nested data', ['course.enrolled', { run: { weeks: [{ n: 2 }] } }]],
    ['a shorter list', ['course.enrolled', { run: { weeks: [] } }]],
    ['an object for a list', ['course.enrolled', { run: { weeks: { 0: { n: 1 } } } }]],
    ['a key that is only inherited', ['constructor', { constructor: Object }]],
    ['null instead of an absent key', ['constructor', { coupon: null }]],
    ['an asymmetric matcher', ['course.enrolled', { course_id: expect.any(Number) }]],
    ['a combination that no event has', ['course.enrolled', { run: { year: 2013 }, coupon: null }]],
    ['other context', ['course.enrolled', {}, { context: { user_id: 8 } }]],
    ['context that is missing', ['constructor', {}, { context: { user_id: 7 } }]],
    ['an event more often than emitted', ['course.enrolled', undefined, { times: 3 }]],
    ['an event less often than emitted', ['course.enrolled', undefined, { times: 1 }]],
  ] as [string, Parameters<EventMatchers['toHaveEmitted']>][])(
    'does not find %s',
    (_, expected) => {
      expect(recording).not.toHaveEmitted(...expected);
      expect(() => expect(recording).toHaveEmitted(...expected)).toThrow('to be emitted');
    },
  );

  it('accepts a MemoryBackend and arrays of events', () => {
    const memory = new MemoryBackend();
    for (const event of recording.events) memory.send(event);
    expect(memory).toHaveEmitted('course.enrolled');
    expect(recording.events).toHaveEmitted('course.enrolled');
    expect({ events: [] }).not.toHaveEmitted('course.enrolled');
  });

  it.each([undefined, null, 'events', { events: 'none' }, new Tracker()])(
    'rejects %o as recorded events',
    (other) => {
      const message =
        'the value must be a RecordingBackend, a MemoryBackend or an array of events; received';
      expect(() => expect(other).toHaveEmitted('a')).toThrow(message);
      expect(() => expect(other).not.toHaveEmitted('a')).toThrow(message);
      expect(() => expect(other).toHaveEmittedNothing()).toThrow(message);
      expect(() => expect(other).not.toHaveEmittedInOrder(['a'])).toThrow(message);
    },
  );

  it('reports the closest match, its differences and the emitted events', () => {
    const message = failureOf(() =>
      expect(recording).toHaveEmitted(
        'course.enrolled',
        { course_id: 'DemoX', run: { year: 2014 } },
        { context: { user_id: expect.any(String) as unknown } },
      ),
    );
    expect(message).toBe(
      `Expected an event "course.enrolled" with data {"course_id":"DemoX","run":{"year":2014}} and context {"user_id":Any<String>} to be emitted; no such events were emitted.

The closest match is number 1, course.enrolled {"course_id":"DemoX","run":{"year":2013,"weeks":[{"n":1,"title":"one"}]}}:
  data.run.year: expected 2014, received 2013
  context.user_id: expected Any<String>, received 7

3 events were emitted:
  1. course.enrolled {"course_id":"DemoX","run":{"year":2013,"weeks":[{"n":1,"title":"one"}]}}
  2. course.enrolled {"course_id":"Other","coupon":null}
  3. constructor {}`,
    );
  });

  it('reports an event of a similar name as the closest match if no name is equal', () => {
    expect(failureOf(() => expect(recording).toHaveEmitted('course.enroled'))).toContain(
      'The closest match is number 1, course.enrolled {"course_id":"DemoX"',
    );
    expect(failureOf(() => expect(recording).toHaveEmitted('course.enroled'))).toContain(
      '\n  name: expected "course.enroled", received "course.enrolled"',
    );
    expect(failureOf(() => expect(recording).toHaveEmitted('page.viewed'))).not.toContain(
      'closest match',
    );
  });

  it('reports missing values and unexpected values', () => {
    const message = failureOf(() =>
      expect(recording).toHaveEmitted('constructor', { a: 1 }, { context: { b: undefined } }),
    );
    expect(message).toContain('\n  data.a: expected 1, received nothing\n');
    expect(message).not.toContain('context.b');
    expect(
      failureOf(() =>
        expect(recording.events.slice(1)).toHaveEmitted('course.enrolled', { coupon: undefined }),
      ),
    ).toContain('\n  data.coupon: expected nothing, received null\n');
  });

  it('lists at most five differences and twenty events', () => {
    for (let n = 0; n < 30; n++) tracker.emit('many', { n });
    const wanted = Object.fromEntries([...'abcdefg'].map((key) => [key, 1]));
    const message = failureOf(() => expect(recording).toHaveEmitted('many', wanted));
    expect(message.match(/: expected 1, received nothing/g)).toHaveLength(5);
    expect(message).toContain('\n  … and 2 more differences\n');
    expect(message).toContain('33 events were emitted:\n  1. ');
    expect(message).toMatch(/\n {2}20\. many .*\n {2}… and 13 more$/);
  });

  it('reports how often the event was expected and emitted', () => {
    expect(
      failureOf(() => expect(recording).toHaveEmitted('course.enrolled', {}, { times: 3 })),
    ).toContain('to be emitted exactly 3 times; 2 such events were emitted.');
    expect(
      failureOf(() => expect(recording).toHaveEmitted('course.enrolled', {}, { times: 1 })),
    ).toContain('to be emitted exactly once; 2 such events were emitted.');
    expect(
      failureOf(() => expect(recording).not.toHaveEmitted('constructor', {}, { times: 1 })),
    ).toContain('not to be emitted exactly once; 1 such event was emitted.');
  });

  it('reports that nothing was emitted', () => {
    recording.clear();
    expect(failureOf(() => expect(recording).toHaveEmitted('a'))).toBe(
      'Expected an event "a" to be emitted; no such events were emitted.\n\nNothing was emitted.',
    );
  });

  it('works as an asymmetric matcher', () => {
    expect({ recording }).toEqual({ recording: expect.toHaveEmitted('course.enrolled') });
  });
});

describe('toHaveEmittedInOrder', () => {
  beforeEach(() => {
    for (const name of ['a', 'b', 'a', 'c']) tracker.emit(name);
  });

  it.each([[['a', 'b', 'a', 'c']], [['a', 'c']], [['b', 'c']], [['a', 'a']], [[]]])(
    'finds %j, others in between',
    (names) => {
      expect(recording).toHaveEmittedInOrder(names);
    },
  );

  it.each([[['b', 'b']], [['c', 'a']], [['a', 'b', 'a', 'c', 'd']], [['d']]])(
    'does not find %j',
    (names) => {
      expect(recording).not.toHaveEmittedInOrder(names);
    },
  );

  it('reports the first missing event and the events found before it', () => {
    expect(failureOf(() => expect(recording).toHaveEmittedInOrder(['b', 'c', 'a']))).toBe(
      `Expected events to be emitted in the order "b", "c", "a"; "a" was not emitted after "b", "c".

4 events were emitted:
  1. a {}
  2. b {}
  3. a {}
  4. c {}`,
    );
    expect(failureOf(() => expect(recording).toHaveEmittedInOrder(['d']))).toContain(
      '; "d" was not emitted.',
    );
    expect(failureOf(() => expect(recording).not.toHaveEmittedInOrder(['a', 'b']))).toContain(
      'Expected events not to be emitted in the order "a", "b".',
    );
  });

  it('rejects names that are not an array', () => {
    expect(() => expect(recording).toHaveEmittedInOrder('a' as unknown as string[])).toThrow(
      "names must be an array of event names; received the string 'a'",
    );
  });
});

describe('toHaveEmittedNothing', () => {
  it('passes if there are no events', () => {
    expect(recording).toHaveEmittedNothing();
    expect(failureOf(() => expect(recording).not.toHaveEmittedNothing())).toBe(
      'Expected an event to be emitted.\n\nNothing was emitted.',
    );
  });

  it('lists the emitted events if it fails', () => {
    tracker.emit('a', { n: 1 });
    expect(recording).not.toHaveEmittedNothing();
    expect(failureOf(() => expect(recording).toHaveEmittedNothing())).toBe(
      'Expected nothing to be emitted.\n\n1 event was emitted:\n  1. a {"n":1}',
    );
  });
});
