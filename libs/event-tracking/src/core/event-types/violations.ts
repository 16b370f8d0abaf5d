import type { Diagnostics } from '../diagnostics/diagnostics.js';
import { callSiteOf, stackIn } from './call-site.js';

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

const MAX_VIOLATIONS = 1_000;
const FURTHER_NAMES = 'further names';

/**
 * How events differed from what was agreed, by kind and name: counted always, warned of once a minute.
 *
 * @remarks Bounded: beyond a thousand kinds and names, what differs is counted as that of further names.
 */
export class Violations {
  readonly #found = new Map<string, { -readonly [K in keyof Violation]: Violation[K] }>();

  constructor(private readonly diagnostics: Diagnostics) {}

  /**
   * Counts what was found, and warns of it unless it did lately.
   *
   * @param place - made where the code emits; may be left out there
   */
  add(kind: ViolationKind, name: string, message: string, place?: Error): void {
    const subject = `${kind} '${name}'`;
    const known = this.#found.get(subject);
    if (known !== undefined) known.count++;
    else if (this.#found.size < MAX_VIOLATIONS || name === FURTHER_NAMES) {
      const call_site = callSiteOf(stackIn(place ?? new Error('')));
      this.#found.set(subject, { kind, name, message, count: 1, call_site });
    } else {
      this.add(kind, FURTHER_NAMES, message, place);
      return;
    }
    this.diagnostics.warn(subject, message, { burst: 1 });
  }

  /** All that was found, each kind and name once. */
  get all(): readonly Violation[] {
    return [...this.#found.values()].map((violation) => ({ ...violation }));
  }

  /** How often each kind was found. */
  counts(): Partial<Record<ViolationKind, number>> {
    const counts: Partial<Record<ViolationKind, number>> = {};
    for (const { kind, count } of this.#found.values()) counts[kind] = (counts[kind] ?? 0) + count;
    return counts;
  }
}
