/** What a matcher answers. */
export interface EventMatcherResult {
  pass: boolean;
  /** Says why it passed where `not` was asked for, else why it did not. */
  message: () => string;
}
