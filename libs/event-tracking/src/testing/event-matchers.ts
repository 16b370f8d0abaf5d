import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import { nameOfType, type EventType } from '../core/event-types/event-type.js';
import { describeEvent, listEvents, shorten } from './event-list.js';
import type { EventMatcherResult } from './event-matcher-result.js';
import { differencesFrom, nearestOf, type Equals, type WantedEvent } from './nearest-event.js';
import { eventsOf } from './recorded-events.js';
import { violationMatchers, type ViolationMatchers } from './violation-matchers.js';
import { writeValue, type WriteValue } from './write-value.js';

/** What more {@link EventMatchers.toHaveEmitted} asks for. */
export interface ToHaveEmittedOptions {
  /**
   * Part of the context that the event carries.
   *
   * @default any
   */
  context?: object;
  /**
   * How many such events there are, exactly.
   *
   * @default at least one
   */
  times?: number;
}

/**
 * What {@link eventMatchers} add to a runner's `expect`; augment the runner's types with it.
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
   * Passes when an event of this name, or type, was emitted, with at least this data and context.
   *
   * @remarks
   * Objects are compared as subsets at any depth, lists member by member; `undefined` stands for what must not be there.
   * Asymmetric matchers such as `expect.any(String)` may stand anywhere.
   */
  toHaveEmitted(event: string | EventType, data?: object, options?: ToHaveEmittedOptions): R;
  /** Passes when events of these names were emitted in this order; others may lie before, between and after them. */
  toHaveEmittedInOrder(names: readonly string[]): R;
  /** Passes when no event was emitted. */
  toHaveEmittedNothing(): R;
}

/** What Vitest and Jest give a matcher as `this`, as far as it is needed. */
export interface EventMatcherContext {
  /** The runner's own comparison. */
  equals(actual: unknown, expected: unknown): boolean;
  /** The runner's own way of writing values. */
  readonly utils: { stringify(value: unknown): string };
}

const MAX_DIFFERENCES = 5;

/**
 * Matchers for events, for `expect.extend` of Vitest and of Jest.
 *
 * @remarks
 * They look into a {@link RecordingBackend}, a {@link MemoryBackend}, anything else that has `events`, or an array of events. When
 * they fail they list what was emitted, and what came nearest. See {@link EventMatchers} for how to make them known to TypeScript.
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
    const wanted: WantedEvent = { name: nameOfType(event), data, context };
    const equals: Equals = (actual, expected) => this.equals(actual, expected);
    const write = writerOf(this);
    const matching = events.filter((event) => differencesFrom(event, wanted, equals).length === 0);
    const pass = times === undefined ? matching.length > 0 : matching.length === times;
    const missed = !pass && matching.length <= (times ?? 0);
    return {
      pass,
      message: () =>
        paragraphs(
          `Expected ${describeWanted(wanted, write)}${describeTimes(pass, times)}; ` +
            `${describeCount(matching.length)}.`,
          missed ? describeNearest(events, wanted, equals, write) : '',
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
        `toHaveEmittedInOrder(names): expected an array of names, received ${describeValue(names)}.`,
      );
    }
    const events = eventsOf(recorded);
    let found = 0;
    for (const event of events) {
      if (found < names.length && this.equals(event.name, names[found])) found++;
    }
    const pass = found === names.length;
    const write = writerOf(this);
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
          listEvents(events, 'emitted', writerOf(this)),
        ),
    };
  },
};

function writerOf({ utils }: EventMatcherContext): WriteValue {
  return (value) => writeValue(value, (other) => utils.stringify(other));
}

function paragraphs(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeWanted({ name, data, context }: WantedEvent, write: WriteValue): string {
  const parts = [
    ...(data === undefined ? [] : [`data ${write(data)}`]),
    ...(context === undefined ? [] : [`context ${write(context)}`]),
  ];
  return `an event ${write(name)}${parts.length === 0 ? '' : ` with ${parts.join(' and ')}`}`;
}

function describeTimes(pass: boolean, times: number | undefined): string {
  const be = pass ? 'not to be emitted' : 'to be emitted';
  if (times === undefined) return ` ${be}`;
  return ` ${be} exactly ${times === 1 ? 'once' : `${times} times`}`;
}

function describeCount(count: number): string {
  if (count === 1) return '1 such event was emitted';
  return `${count === 0 ? 'no' : count} such events were emitted`;
}

function describeNearest(
  events: readonly TrackingEvent[],
  wanted: WantedEvent,
  equals: Equals,
  write: WriteValue,
): string {
  const nearest = nearestOf(events, wanted, equals);
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
  return [`Nearest came number ${number}, ${describeEvent(event, write)}:`, ...shown].join('\n');
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
