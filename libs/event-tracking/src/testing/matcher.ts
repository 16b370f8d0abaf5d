/** The part of the `this` value of Vitest and Jest matchers that the matchers use. */
export interface EventMatcherContext {
  /** Compares two values as the runner does. */
  equals(actual: unknown, expected: unknown): boolean;
  /** Formats values as the runner does. */
  readonly utils: { stringify(value: unknown): string };
}

/** The result of a matcher. */
export interface EventMatcherResult {
  pass: boolean;
  /** Explains the failure: of the negated matcher if `pass` is true, of the matcher otherwise. */
  message: () => string;
}
