import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';

/**
 * Passes only events with a listed name, compared as a whole and case-sensitively.
 *
 * @example
 * ```ts
 * new NameAllowlist(['course.enrolled', 'course.completed'])
 * ```
 */
export class NameAllowlist implements FilterObject {
  readonly #names: ReadonlySet<string>;

  /** @throws {@link ImproperlyConfigured} if the names are not a list of strings */
  constructor(names: Iterable<string>) {
    this.#names = new Set(checkedStrings(names, 'NameAllowlist: names', `['course.enrolled']`));
  }

  /** Whether the event's name is listed. */
  filter(event: TrackingEvent): boolean {
    return this.#names.has(event.name);
  }
}

/** Returns a configured list of strings as an array; throws if it is not one. */
export function checkedStrings(list: unknown, where: string, example: string): string[] {
  const isList =
    typeof list === 'object' &&
    list !== null &&
    typeof (list as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';
  const strings: unknown[] = isList ? [...(list as Iterable<unknown>)] : [];
  const invalidIndex = strings.findIndex((each) => typeof each !== 'string');
  if (!isList || invalidIndex >= 0) {
    throw new ImproperlyConfigured(
      `${where} must be a list of strings; received ${
        isList ? `a list with ${describeValue(strings[invalidIndex])}` : describeValue(list)
      }. Pass for example ${example}.`,
    );
  }
  return strings as string[];
}
