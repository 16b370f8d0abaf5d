/**
 * How an event can deviate from its type.
 *
 * - `unregistered`: no registered type has its name, although types are registered
 * - `extra-field`, `missing-field`: its data have other fields than its type describes
 * - `invalid`: a field has another type than declared, or the schema rejects the data
 * - `unserialisable`: its data or a context contains values that JSON cannot represent
 * - `oversized`: its data are larger than `maxEventSize`
 */
export type ViolationKind =
  'unregistered' | 'extra-field' | 'missing-field' | 'invalid' | 'unserialisable' | 'oversized';

/** A deviation of events of one name from their type; the events were still delivered. */
export interface Violation {
  readonly kind: ViolationKind;
  /** The event's name, or the context's if its values are not representable. */
  readonly name: string;
  /** The first deviation in words. */
  readonly message: string;
  /** How often it was found. */
  readonly count: number;
  /** The code that emitted the first one: file, line and column; empty if the platform cannot tell. */
  readonly call_site: string;
}
