/** A place at which a value differs from the expected value. */
export interface Difference {
  /** The keys from the root: `data.course.id`. */
  readonly path: string;
  /** Undefined if no value was expected. */
  readonly expected: unknown;
  /** Undefined if there is no value. */
  readonly actual: unknown;
}

/** The rules of a comparison. */
export interface Comparison {
  /** Compares values without members, and asymmetric matchers. */
  readonly equals: (actual: unknown, expected: unknown) => boolean;
  /** Whether additional keys count as differences. */
  readonly exact: boolean;
}

/** Compares objects and lists member by member at any depth; lists must have the same length. */
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

/** Whether a value is an asymmetric matcher, such as `expect.any(String)`. */
export function isAsymmetricMatcher(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { asymmetricMatch?: unknown }).asymmetricMatch === 'function'
  );
}

/** Whether a value is compared by its keys; lists are not, nor are dates, maps and the like. */
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
