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

/** Returns the message of a failing matcher. */
function failureOf(matcher: () => void): string {
  try {
    matcher();
  } catch (failure) {
    return (failure as Error).message;
  }
  throw new Error('The matcher passed.');
}

describe('toHaveNoViolations', () => {
  it('passes if every event conforms to its type', () => {
    tracker.emit(CourseEnrolled, { seat: 12 });
    expect(tracker).toHaveNoViolations();
    expect(failureOf(() => expect(tracker).not.toHaveNoViolations())).toContain('none did');
  });

  it('fails if an event violates its type, and lists the violations', () => {
    tracker.emit('course.enrolled');
    tracker.emit('course.closed');
    tracker.emit('course.closed');
    expect(tracker).not.toHaveNoViolations();
    const message = failureOf(() => expect(tracker).toHaveNoViolations());
    expect(message).toContain("missing-field (1): The event 'course.enrolled' lacks a field");
    expect(message).toContain("unregistered (2): The event 'course.closed'");
  });

  it('rejects values that are not a tracker', () => {
    expect(() => expect([]).toHaveNoViolations()).toThrow(
      'the value must be a Tracker; received an array',
    );
  });
});

describe('toHaveViolation', () => {
  beforeEach(() => tracker.emit('course.enrolled', { seat: '12' }));

  it('passes for a kind alone, with a name, and with a type', () => {
    expect(tracker).toHaveViolation('invalid');
    expect(tracker).toHaveViolation('invalid', 'course.enrolled');
    expect(tracker).toHaveViolation('invalid', CourseEnrolled);
  });

  it('fails for another kind or another name, and lists the violations', () => {
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
  it('accepts an event type instead of a name', () => {
    const events = [{ name: 'course.enrolled', data: { seat: 12 } }];
    expect(events).toHaveEmitted(CourseEnrolled, { seat: 12 });
    expect(events).not.toHaveEmitted(CourseEnrolled, { seat: 13 });
  });
});
