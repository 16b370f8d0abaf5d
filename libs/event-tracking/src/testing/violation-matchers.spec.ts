import { beforeEach, describe, expect, it } from 'vitest';
import { defineEvent } from '../core/event-types/event-type.js';
import { Tracker } from '../core/tracker/tracker.js';
import { eventMatchers } from './event-matchers.js';

expect.extend(eventMatchers);

const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'Somebody got a seat in a course.',
  fields: { seat: { description: 'The number of the seat.', type: 'integer' } },
});

let tracker: Tracker;

beforeEach(() => {
  const logger = { warn() {}, error() {} };
  tracker = new Tracker({ eventTypes: [CourseEnrolled], logger });
});

/** What a matcher says when it fails. */
function failureOf(matcher: () => void): string {
  try {
    matcher();
  } catch (failure) {
    return (failure as Error).message;
  }
  throw new Error('The matcher passed.');
}

describe('toHaveNoViolations', () => {
  it('passes where every event is what was agreed', () => {
    tracker.emit(CourseEnrolled, { seat: 12 });
    expect(tracker).toHaveNoViolations();
    expect(failureOf(() => expect(tracker).not.toHaveNoViolations())).toContain('none did');
  });

  it('fails where one is not, and lists what was found', () => {
    tracker.emit('course.enrolled');
    tracker.emit('course.closed');
    tracker.emit('course.closed');
    expect(tracker).not.toHaveNoViolations();
    const message = failureOf(() => expect(tracker).toHaveNoViolations());
    expect(message).toContain("missing-field (1): The event 'course.enrolled' lacks a field");
    expect(message).toContain("unregistered (2): The event 'course.closed'");
  });

  it('says what it expects where it is given something else than a tracker', () => {
    expect(() => expect([]).toHaveNoViolations()).toThrow('expected a Tracker, received an array');
  });
});

describe('toHaveViolation', () => {
  beforeEach(() => tracker.emit('course.enrolled', { seat: '12' }));

  it('passes for the kind, for the kind and the name, and for the kind and the type', () => {
    expect(tracker).toHaveViolation('invalid');
    expect(tracker).toHaveViolation('invalid', 'course.enrolled');
    expect(tracker).toHaveViolation('invalid', CourseEnrolled);
  });

  it('fails for another kind and another name, and lists what was found', () => {
    expect(tracker).not.toHaveViolation('missing-field');
    expect(tracker).not.toHaveViolation('invalid', 'course.closed');
    const message = failureOf(() =>
      expect(tracker).toHaveViolation('extra-field', 'course.closed'),
    );
    expect(message).toContain("Expected a violation 'extra-field' of the event 'course.closed'");
    expect(message).toContain('invalid (1)');
  });
});

describe('toHaveEmitted', () => {
  it('takes a type in the place of a name', () => {
    const events = [{ name: 'course.enrolled', data: { seat: 12 } }];
    expect(events).toHaveEmitted(CourseEnrolled, { seat: 12 });
    expect(events).not.toHaveEmitted(CourseEnrolled, { seat: 13 });
  });
});
