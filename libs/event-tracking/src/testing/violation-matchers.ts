import { describeValue } from '../core/diagnostics/describe.js';
import { nameOfType, type EventType } from '../core/event-types/event-type.js';
import type { Violation, ViolationKind } from '../core/diagnostics/violation.js';
import type { EventMatcherResult } from './matcher.js';

const MAX_LISTED = 20;

/** The {@link EventMatchers} that check whether events violated their types. */
export interface ViolationMatchers<R = unknown> {
  /**
   * Passes if no event of a tracker violated its type.
   *
   * @example
   * ```ts
   * expect(tracker).toHaveNoViolations();
   * ```
   */
  toHaveNoViolations(): R;
  /**
   * Passes if events of a tracker violated their type in this way.
   *
   * @param event - the name or the type of the events; defaults to any
   * @example
   * ```ts
   * expect(tracker).toHaveViolation('missing-field', CourseEnrolled);
   * ```
   */
  toHaveViolation(kind: ViolationKind, event?: string | EventType): R;
}

/** Implements {@link ViolationMatchers}. */
export const violationMatchers = {
  toHaveNoViolations(tracker: unknown): EventMatcherResult {
    const violations = readViolations(tracker);
    return {
      pass: violations.length === 0,
      message: () =>
        violations.length === 0
          ? 'Expected events to violate their types; none did.'
          : `Expected no event to violate its type.\n\n${listViolations(violations)}`,
    };
  },

  toHaveViolation(
    tracker: unknown,
    kind: ViolationKind,
    event?: string | EventType,
  ): EventMatcherResult {
    const violations = readViolations(tracker);
    const name = nameOfType(event);
    const pass = violations.some(
      (each) => each.kind === kind && (name === undefined || each.name === name),
    );
    const wanted = `'${kind}'${name === undefined ? '' : ` of the event '${name}'`}`;
    return {
      pass,
      message: () =>
        `Expected ${pass ? 'no ' : 'a '}violation ${wanted}.\n\n${listViolations(violations)}`,
    };
  },
};

function readViolations(tracker: unknown): readonly Violation[] {
  const violations: unknown = (tracker as { violations?: unknown } | null | undefined)?.violations;
  if (Array.isArray(violations)) return violations as Violation[];
  throw new TypeError(
    `expect(…): the value must be a Tracker; received ${describeValue(tracker)}.`,
  );
}

function listViolations(violations: readonly Violation[]): string {
  if (violations.length === 0) return 'No event violated its type.';
  const lines = violations
    .slice(0, MAX_LISTED)
    .map(({ kind, message, count }) => `  ${kind} (${count}): ${message}`);
  if (violations.length > MAX_LISTED) lines.push(`  … and ${violations.length - MAX_LISTED} more`);
  return lines.join('\n');
}
