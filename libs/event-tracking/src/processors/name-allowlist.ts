import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';

/**
 * Lets only events of the listed names pass; names are compared whole and with their case.
 *
 * @example
 * ```ts
 * new NameAllowlist(['course.enrolled', 'course.completed'])
 * ```
 */
export class NameAllowlist implements FilterObject {
  readonly #names: ReadonlySet<string>;

  /** @throws {@link ImproperlyConfigured} when the names are no list of strings */
  constructor(names: Iterable<string>) {
    this.#names = new Set(checkedStrings(names, 'NameAllowlist', `['course.enrolled']`));
  }

  /** Tells whether the event's name is listed. */
  filter(event: TrackingEvent): boolean {
    return this.#names.has(event.name);
  }
}

/** Reads a list of strings out of a configuration. */
export function checkedStrings(list: unknown, where: string, example: string): string[] {
  const isList =
    typeof list === 'object' &&
    list !== null &&
    typeof (list as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';
  const strings: unknown[] = isList ? [...(list as Iterable<unknown>)] : [];
  const stranger = strings.findIndex((each) => typeof each !== 'string');
  if (!isList || stranger >= 0) {
    throw new ImproperlyConfigured(
      `${where}: expected a list of strings, received ${
        isList ? `a list with ${describeValue(strings[stranger])}` : describeValue(list)
      }. Pass for example ${example}.`,
    );
  }
  return strings as string[];
}
