import { describeValue } from '../core/diagnostics/describe.js';
import { nameOfType, type EventType } from '../core/event-types/event-type.js';
import type { Violation, ViolationKind } from '../core/event-types/violations.js';
import type { EventMatcherResult } from './event-matcher-result.js';

const MAX_LISTED = 20;

/** The part of {@link EventMatchers} that looks at how events differed from what was agreed. */
export interface ViolationMatchers<R = unknown> {
  /**
   * Passes when no event of a tracker has differed from what was agreed.
   *
   * @example
   * ```ts
   * expect(tracker).toHaveNoViolations();
   * ```
   */
  toHaveNoViolations(): R;
  /**
   * Passes when events of a tracker have differed in this way.
   *
   * @param event - the name or the type of the events; any where it is left out
   * @example
   * ```ts
   * expect(tracker).toHaveViolation('missing-field', CourseEnrolled);
   * ```
   */
  toHaveViolation(kind: ViolationKind, event?: string | EventType): R;
}

/** What {@link ViolationMatchers} do. */
export const violationMatchers = {
  toHaveNoViolations(tracker: unknown): EventMatcherResult {
    const violations = violationsOf(tracker);
    return {
      pass: violations.length === 0,
      message: () =>
        violations.length === 0
          ? 'Expected events to differ from what was agreed; none did.'
          : `Expected no event to differ from what was agreed.\n\n${listed(violations)}`,
    };
  },

  toHaveViolation(
    tracker: unknown,
    kind: ViolationKind,
    event?: string | EventType,
  ): EventMatcherResult {
    const violations = violationsOf(tracker);
    const name = nameOfType(event);
    const pass = violations.some(
      (each) => each.kind === kind && (name === undefined || each.name === name),
    );
    const wanted = `'${kind}'${name === undefined ? '' : ` of the event '${name}'`}`;
    return {
      pass,
      message: () => `Expected ${pass ? 'no ' : 'a '}violation ${wanted}.\n\n${listed(violations)}`,
    };
  },
};

function violationsOf(tracker: unknown): readonly Violation[] {
  const violations: unknown = (tracker as { violations?: unknown } | null | undefined)?.violations;
  if (Array.isArray(violations)) return violations as Violation[];
  throw new TypeError(`expect(…): expected a Tracker, received ${describeValue(tracker)}.`);
}

function listed(violations: readonly Violation[]): string {
  if (violations.length === 0) return 'No event differed from what was agreed.';
  const lines = violations
    .slice(0, MAX_LISTED)
    .map(({ kind, message, count }) => `  ${kind} (${count}): ${message}`);
  if (violations.length > MAX_LISTED) lines.push(`  … and ${violations.length - MAX_LISTED} more`);
  return lines.join('\n');
}
