import type { TrackingEvent } from '../core/event/event.js';
import { differences, type Difference } from './differences.js';

/** An expected event. */
export interface ExpectedEvent {
  readonly name: string;
  /** A subset of the data. */
  readonly data?: object;
  /** A subset of the context. */
  readonly context?: object;
}

/** Compares values as the test runner does. */
export type Equals = (actual: unknown, expected: unknown) => boolean;

/** Returns the differences between an event and the expected event. */
export function compareEvent(
  event: TrackingEvent,
  { name, data, context }: ExpectedEvent,
  equals: Equals,
): Difference[] {
  const comparison = { equals, exact: false };
  return [
    ...differences(event.name, name, comparison, 'name'),
    ...(data === undefined ? [] : differences(event.data, data, comparison, 'data')),
    ...(context === undefined ? [] : differences(event.context, context, comparison, 'context')),
  ];
}

/** An event that does not match, with its differences. */
export interface NearMiss {
  readonly event: TrackingEvent;
  readonly differences: readonly Difference[];
}

/** Finds the closest match: the event of that name with the fewest differences, or one of a similar name. */
export function findNearest(
  events: readonly TrackingEvent[],
  wanted: ExpectedEvent,
  equals: Equals,
): NearMiss | undefined {
  const misses = events
    .map((event) => ({ event, differences: compareEvent(event, wanted, equals) }))
    .filter((miss) => miss.differences.length > 0);
  const ofThatName = misses.filter(({ event }) => equals(event.name, wanted.name));
  if (ofThatName.length > 0) return least(ofThatName, (miss) => miss.differences.length);
  if (typeof wanted.name !== 'string') return undefined;
  const mistakes = Math.max(2, Math.floor(wanted.name.length / 3));
  const distance = ({ event }: NearMiss): number => editDistance(String(event.name), wanted.name);
  return least(
    misses.filter((miss) => distance(miss) <= mistakes),
    distance,
  );
}

function least<T>(values: readonly T[], measure: (value: T) => number): T | undefined {
  let [best] = values;
  for (const value of values) {
    if (measure(value) < measure(best!)) best = value;
  }
  return best;
}

/** Returns the Levenshtein distance of two texts. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column++) {
      const exchanged = row[column - 1]! + (one[index] === other[column - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
