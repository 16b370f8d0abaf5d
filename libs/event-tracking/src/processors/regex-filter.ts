import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeError, describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';
import { checkedStrings } from './name-allowlist.js';

/** How a {@link RegexFilter} decides. */
export interface RegexFilterOptions {
  /**
   * Whether a match lets the event pass or drops it.
   *
   * @default 'allowlist'
   */
  filterType?: 'allowlist' | 'blocklist';
  /**
   * The patterns, as strings or as expressions, whose flags `i`, `m`, `s`, `u` and `v` are kept. They are anchored at the
   * start of the name and not at its end, like Python's `re.match`.
   *
   * @default none: an allowlist drops everything, a blocklist nothing
   */
  regularExpressions?: Iterable<string | RegExp>;
}

/**
 * Lets events pass, or drops them, by patterns that their names begin with.
 *
 * @example
 * ```ts
 * new RegexFilter({ filterType: 'allowlist', regularExpressions: ['course\\.enrollment\\.'] })
 * ```
 */
export class RegexFilter implements FilterObject {
  readonly #passes: boolean;
  readonly #expressions: readonly RegExp[];

  /** @throws {@link ImproperlyConfigured} for another filter type and for what is no regular expression */
  constructor(options: RegexFilterOptions = {}) {
    checkOptions(options, 'RegexFilter', { filterType: true, regularExpressions: true });
    const { filterType = 'allowlist', regularExpressions = [] } = options;
    if (filterType !== 'allowlist' && filterType !== 'blocklist') {
      throw new ImproperlyConfigured(
        `RegexFilter: filterType is 'allowlist' or 'blocklist', received ${describeValue(filterType)}.`,
      );
    }
    this.#passes = filterType === 'allowlist';
    this.#expressions = anchored(regularExpressions);
  }

  /** Tells whether the event passes; throws for a name that is no string, so that the event is dropped. */
  filter(event: TrackingEvent): boolean {
    const { name } = event;
    if (typeof name !== 'string') {
      throw new TypeError(
        `a name that is no string cannot be matched, received ${describeValue(name)}`,
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

/** A sticky expression that is always tried at index 0 matches at the start only, whatever it holds. */
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

/** Escapes that JavaScript reads as the bare letters, without a word. */
const PYTHON_ONLY = /(?<!\\)(?:\\\\)*\\[AZ]/;

function compile(pattern: string | RegExp, index: number): RegExp {
  if (typeof pattern === 'string' && PYTHON_ONLY.test(pattern)) {
    throw new ImproperlyConfigured(
      `RegexFilter: regularExpressions[${index}] uses \\A or \\Z, which mean nothing in JavaScript, received ` +
        `${describeValue(pattern)}. Patterns are anchored at the start already; write $ for the end.`,
    );
  }
  try {
    return pattern instanceof RegExp
      ? new RegExp(pattern.source, `${pattern.flags.replace(KEPT_FLAGS, '')}y`)
      : new RegExp(pattern, 'y');
  } catch (cause) {
    throw new ImproperlyConfigured(
      `RegexFilter: regularExpressions[${index}] is no regular expression of JavaScript, received ` +
        `${describeValue(pattern)}: ${describeError(cause)}.`,
      { cause },
    );
  }
}
