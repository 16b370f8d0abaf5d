import type { TrackingEvent } from '../core/event/event.js';
import { differences, type Difference } from './differences.js';
import { shorten } from './event-list.js';
import { writeValue } from './write-value.js';

/** Throws unless two events have the same id, name, timestamp, context and data. */
export function expectSame(actual: TrackingEvent, expected: TrackingEvent, fault: string): void {
  expectAlike(pick(actual), pick(expected), `The event '${expected.name}' ${fault}`);
}

/** Throws unless two objects have the same keys and values at any depth. */
export function expectAlike(actual: object, expected: object, fault: string): void {
  const found = differences(actual, expected, { equals: sameValue, exact: true });
  if (found.length === 0) return;
  const shown = found.slice(0, 5).map(describeDifference).join('\n');
  throw new Error(`${fault}:\n${shown}`);
}

function describeDifference({ path, expected, actual }: Difference): string {
  const write = (value: unknown): string =>
    value === undefined ? 'nothing' : shorten(writeValue(value));
  return `  ${path}: expected ${write(expected)}, found ${write(actual)}`;
}

/** Selects the properties that every destination stores. */
function pick({ id, name, timestamp, context, data }: TrackingEvent): object {
  return { id, name, timestamp, context, data };
}

function sameValue(actual: unknown, expected: unknown): boolean {
  if (expected instanceof Date) {
    return actual instanceof Date && actual.getTime() === expected.getTime();
  }
  return actual === expected;
}
