/** Where a value is not what was expected. */
export interface Difference {
  /** The keys that lead there: `data.course.id`. */
  readonly path: string;
  /** Undefined where nothing was expected. */
  readonly expected: unknown;
  /** Undefined where there was nothing. */
  readonly actual: unknown;
}

/** How values are compared. */
export interface Comparison {
  /** Compares what has no members of its own to compare, asymmetric matchers among it. */
  readonly equals: (actual: unknown, expected: unknown) => boolean;
  /** Whether keys that nobody expected are differences. */
  readonly exact: boolean;
}

/** Compares objects and lists by their members, at any depth; lists have to be of the same length. */
export function differences(
  actual: unknown,
  expected: unknown,
  comparison: Comparison,
  path = '',
): Difference[] {
  if (!isAsymmetricMatcher(expected)) {
    if (isKeyed(expected) && isKeyed(actual)) {
      return keysToCompare(actual, expected, comparison).flatMap((key) =>
        differences(own(actual, key), own(expected, key), comparison, pathTo(path, key)),
      );
    }
    if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
      return expected.flatMap((member, index) =>
        differences(actual[index], member, comparison, `${path}[${index}]`),
      );
    }
  }
  return comparison.equals(actual, expected) ? [] : [{ path, expected, actual }];
}

function keysToCompare(actual: object, expected: object, { exact }: Comparison): string[] {
  const keys = Object.keys(expected);
  return exact ? [...new Set([...keys, ...Object.keys(actual)])] : keys;
}

/** Tells `expect.any(String)` and its like from data. */
export function isAsymmetricMatcher(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { asymmetricMatch?: unknown }).asymmetricMatch === 'function'
  );
}

/** Tells an object of keys and values from lists, and from dates, maps and their like, which are compared as a whole. */
export function isKeyed(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function pathTo(path: string, key: string): string {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
