import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeError, describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';
import { checkedStrings } from './name-allowlist.js';

/** The options of a {@link RegexFilter}. */
export interface RegexFilterOptions {
  /**
   * Whether a match lets the event pass or drops it.
   *
   * @default 'allowlist'
   */
  filterType?: 'allowlist' | 'blocklist';
  /**
   * The patterns, as strings or as expressions, which keep their flags `i`, `m`, `s`, `u` and `v`.
   * Like Python's `re.match`, they are anchored at the start of the name, not at its end.
   *
   * @default none: an allowlist drops everything, a blocklist nothing
   */
  regularExpressions?: Iterable<string | RegExp>;
}

/**
 * Passes or drops events whose names start with a match of a pattern.
 *
 * @example
 * ```ts
 * new RegexFilter({ filterType: 'allowlist', regularExpressions: ['course\\.enrollment\\.'] })
 * ```
 */
export class RegexFilter implements FilterObject {
  readonly #passes: boolean;
  readonly #expressions: readonly RegExp[];

  /** @throws {@link ImproperlyConfigured} if the filter type or a regular expression is invalid */
  constructor(options: RegexFilterOptions = {}) {
    checkOptions(options, 'RegexFilter', { filterType: true, regularExpressions: true });
    const { filterType = 'allowlist', regularExpressions = [] } = options;
    if (filterType !== 'allowlist' && filterType !== 'blocklist') {
      throw new ImproperlyConfigured(
        `RegexFilter: filterType must be 'allowlist' or 'blocklist'; received ${describeValue(filterType)}.`,
      );
    }
    this.#passes = filterType === 'allowlist';
    this.#expressions = anchored(regularExpressions);
  }

  /** Whether the event passes; throws if its name is not a string, so that the event is dropped. */
  filter(event: TrackingEvent): boolean {
    const { name } = event;
    if (typeof name !== 'string') {
      throw new TypeError(
        `the name of the event must be a string; received ${describeValue(name)}`,
      );
    }
    const matches = this.#expressions.some((expression) => {
      expression.lastIndex = 0;
      return expression.test(name);
    });
    return matches === this.#passes;
  }
}

const KEPT_FLAGS = /[^imsuv]/g;

/** Makes expressions sticky: tried at index 0, they match at the start only. */
function anchored(patterns: Iterable<string | RegExp>): RegExp[] {
  if (patterns !== null && typeof patterns === 'object' && Symbol.iterator in patterns) {
    const list: unknown[] = [...patterns];
    const sources = list.map((each) => (each instanceof RegExp ? each.source : each));
    checkedStrings(sources, 'RegexFilter: regularExpressions', EXAMPLE);
    return list.map((each, index) => compile(each as string | RegExp, index));
  }
  checkedStrings(patterns, 'RegexFilter: regularExpressions', EXAMPLE);
  return [];
}

const EXAMPLE = `['course\\\\.enrollment\\\\.']`;

/** Python's anchors, which JavaScript silently reads as the letters A and Z. */
const PYTHON_ANCHORS = /(?<!\\)(?:\\\\)*\\[AZ]/;

function compile(pattern: string | RegExp, index: number): RegExp {
  if (typeof pattern === 'string' && PYTHON_ANCHORS.test(pattern)) {
    throw new ImproperlyConfigured(
      `RegexFilter: regularExpressions[${index}] must not use \\A or \\Z, which JavaScript does not ` +
        `support; received ${describeValue(pattern)}. Remove \\A, because patterns are anchored at the ` +
        `start; write $ for the end.`,
    );
  }
  try {
    return pattern instanceof RegExp
      ? new RegExp(pattern.source, `${pattern.flags.replace(KEPT_FLAGS, '')}y`)
      : new RegExp(pattern, 'y');
  } catch (cause) {
    throw new ImproperlyConfigured(
      `RegexFilter: regularExpressions[${index}] must be a JavaScript regular expression; received ` +
        `${describeValue(pattern)} (${describeError(cause)}).`,
      { cause },
    );
  }
}
