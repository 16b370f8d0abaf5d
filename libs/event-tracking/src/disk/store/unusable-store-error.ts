/** Tells that a store must be left alone, and why: the end of a sentence that begins with its location. */
export class UnusableStoreError extends Error {
  override readonly name = 'UnusableStoreError';
}
