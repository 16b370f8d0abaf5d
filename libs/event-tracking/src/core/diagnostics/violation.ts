/**
 * How an event can differ from what was agreed.
 *
 * - `unregistered`: its name is no registered type's, where types are registered
 * - `extra-field`, `missing-field`: its data are not those that its type describes
 * - `invalid`: a field is of another type than was said, or the schema finds fault with the data
 * - `unserialisable`: its data or a context held what JSON cannot say
 * - `oversized`: its data are larger than `maxEventSize`
 */
export type ViolationKind =
  'unregistered' | 'extra-field' | 'missing-field' | 'invalid' | 'unserialisable' | 'oversized';

/** That events of a name differed from what was agreed; they were delivered all the same. */
export interface Violation {
  readonly kind: ViolationKind;
  /** The event's name; the context's, where that held what JSON cannot say. */
  readonly name: string;
  /** What was found the first time. */
  readonly message: string;
  /** How often it was found. */
  readonly count: number;
  /** Which code emitted the first one: file, line and column; empty where the platform does not say. */
  readonly call_site: string;
}
