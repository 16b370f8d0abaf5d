import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import { nameOfType, type EventType } from '../core/event-types/event-type.js';
import { formatEvent, listEvents, shorten } from './event-list.js';
import type { EventMatcherContext, EventMatcherResult } from './matcher.js';
import { compareEvent, findNearest, type Equals, type ExpectedEvent } from './nearest-event.js';
import { eventsOf } from './recorded-events.js';
import { violationMatchers, type ViolationMatchers } from './violation-matchers.js';
import { writeValue, type WriteValue } from './write-value.js';

/** Further expectations of {@link EventMatchers.toHaveEmitted}. */
export interface ToHaveEmittedOptions {
  /**
   * A subset of the event's context.
   *
   * @default any context
   */
  context?: object;
  /**
   * The exact number of such events.
   *
   * @default at least one
   */
  times?: number;
}

/**
 * The type of {@link eventMatchers}; extend the matcher type of your runner with it.
 *
 * @example Vitest
 * ```ts
 * import type { EventMatchers } from 'nestjs-event-tracking/testing';
 *
 * declare module 'vitest' {
 *   interface Matchers<T = any> extends EventMatchers<T> {}
 * }
 * ```
 * @example Jest with `@types/jest`
 * ```ts
 * import type { EventMatchers } from 'nestjs-event-tracking/testing';
 *
 * declare global {
 *   namespace jest {
 *     interface Matchers<R> extends EventMatchers<R> {}
 *   }
 * }
 * ```
 * @example Jest with `@jest/globals`
 * ```ts
 * import type { EventMatchers } from 'nestjs-event-tracking/testing';
 *
 * declare module 'expect' {
 *   interface Matchers<R> extends EventMatchers<R> {}
 * }
 * ```
 */
export interface EventMatchers<R = unknown> extends ViolationMatchers<R> {
  /**
   * Passes if an event of this name or type was emitted, with at least this data and context.
   *
   * @remarks
   * Objects are compared as subsets at any depth, lists member by member. `undefined` expects a key to be
   * absent. Asymmetric matchers such as `expect.any(String)` are allowed anywhere.
   */
  toHaveEmitted(event: string | EventType, data?: object, options?: ToHaveEmittedOptions): R;
  /** Passes if events of these names were emitted in this order, possibly with others in between. */
  toHaveEmittedInOrder(names: readonly string[]): R;
  /** Passes if no event was emitted. */
  toHaveEmittedNothing(): R;
}

const MAX_DIFFERENCES = 5;

/**
 * Matchers for events, for `expect.extend` of Vitest and of Jest.
 *
 * @remarks
 * They accept a {@link RecordingBackend}, a {@link MemoryBackend}, any other object with `events`, or an
 * array of events. Failures list the emitted events and the closest match. See {@link EventMatchers} for
 * the declaration that TypeScript needs.
 * @example
 * ```ts
 * expect.extend(eventMatchers);
 *
 * expect(recording).toHaveEmitted('course.enrolled', { course_id: 'DemoX' }, { context: { user_id: 7 }, times: 1 });
 * expect(recording).toHaveEmittedInOrder(['course.viewed', 'course.enrolled']);
 * expect(recording).not.toHaveEmittedNothing();
 * ```
 */
export const eventMatchers = {
  ...violationMatchers,

  toHaveEmitted(
    this: EventMatcherContext,
    recorded: unknown,
    event: string | EventType,
    data?: object,
    options: ToHaveEmittedOptions = {},
  ): EventMatcherResult {
    const events = eventsOf(recorded);
    const { context, times } = options;
    const wanted: ExpectedEvent = { name: nameOfType(event), data, context };
    const equals: Equals = (actual, expected) => this.equals(actual, expected);
    const write = createWriter(this);
    const matching = events.filter((event) => compareEvent(event, wanted, equals).length === 0);
    const pass = times === undefined ? matching.length > 0 : matching.length === times;
    const isMissing = !pass && matching.length <= (times ?? 0);
    return {
      pass,
      message: () =>
        paragraphs(
          `Expected ${describeWanted(wanted, write)}${describeTimes(pass, times)}; ` +
            `${describeCount(matching.length)}.`,
          isMissing ? describeNearest(events, wanted, equals, write) : '',
          listEvents(events, 'emitted', write),
        ),
    };
  },

  toHaveEmittedInOrder(
    this: EventMatcherContext,
    recorded: unknown,
    names: readonly string[],
  ): EventMatcherResult {
    if (!Array.isArray(names)) {
      throw new TypeError(
        `toHaveEmittedInOrder: names must be an array of event names; received ${describeValue(names)}.`,
      );
    }
    const events = eventsOf(recorded);
    let found = 0;
    for (const event of events) {
      if (found < names.length && this.equals(event.name, names[found])) found++;
    }
    const pass = found === names.length;
    const write = createWriter(this);
    return {
      pass,
      message: () =>
        paragraphs(
          `Expected events ${pass ? 'not ' : ''}to be emitted in the order ${names.map((name) => write(name)).join(', ')}` +
            `${pass ? '' : `; ${describeGap(names, found, write)}`}.`,
          listEvents(events, 'emitted', write),
        ),
    };
  },

  toHaveEmittedNothing(this: EventMatcherContext, recorded: unknown): EventMatcherResult {
    const events = eventsOf(recorded);
    const pass = events.length === 0;
    return {
      pass,
      message: () =>
        paragraphs(
          pass ? 'Expected an event to be emitted.' : 'Expected nothing to be emitted.',
          listEvents(events, 'emitted', createWriter(this)),
        ),
    };
  },
};

function createWriter({ utils }: EventMatcherContext): WriteValue {
  return (value) => writeValue(value, (other) => utils.stringify(other));
}

function paragraphs(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeWanted({ name, data, context }: ExpectedEvent, write: WriteValue): string {
  const parts = [
    ...(data === undefined ? [] : [`data ${write(data)}`]),
    ...(context === undefined ? [] : [`context ${write(context)}`]),
  ];
  return `an event ${write(name)}${parts.length === 0 ? '' : ` with ${parts.join(' and ')}`}`;
}

function describeTimes(pass: boolean, times: number | undefined): string {
  const verb = pass ? 'not to be emitted' : 'to be emitted';
  if (times === undefined) return ` ${verb}`;
  return ` ${verb} exactly ${times === 1 ? 'once' : `${times} times`}`;
}

function describeCount(count: number): string {
  if (count === 1) return '1 such event was emitted';
  return `${count === 0 ? 'no' : count} such events were emitted`;
}

function describeNearest(
  events: readonly TrackingEvent[],
  wanted: ExpectedEvent,
  equals: Equals,
  write: WriteValue,
): string {
  const nearest = findNearest(events, wanted, equals);
  if (nearest === undefined) return '';
  const { event, differences } = nearest;
  const shown = differences
    .slice(0, MAX_DIFFERENCES)
    .map(
      ({ path, expected, actual }) =>
        `  ${path}: expected ${writeOrNothing(expected, write)}, received ${writeOrNothing(actual, write)}`,
    );
  if (differences.length > MAX_DIFFERENCES) {
    shown.push(`  … and ${differences.length - MAX_DIFFERENCES} more differences`);
  }
  const number = events.indexOf(event) + 1;
  return [`The closest match is number ${number}, ${formatEvent(event, write)}:`, ...shown].join(
    '\n',
  );
}

function writeOrNothing(value: unknown, write: WriteValue): string {
  return value === undefined ? 'nothing' : shorten(write(value));
}

function describeGap(names: readonly string[], found: number, write: WriteValue): string {
  const missing = write(names[found]);
  return found === 0
    ? `${missing} was not emitted`
    : `${missing} was not emitted after ${names
        .slice(0, found)
        .map((name) => write(name))
        .join(', ')}`;
}
