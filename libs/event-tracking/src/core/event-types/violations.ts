import type { Diagnostics } from '../diagnostics/diagnostics.js';
import type { Violation, ViolationKind } from '../diagnostics/violation.js';
import { callSiteOf, stackIn } from './call-site.js';

const MAX_VIOLATIONS = 1_000;
const FURTHER_NAMES = 'further names';

/**
 * Deviations of events from their types, by kind and name: always counted, and logged once a minute.
 *
 * @remarks Bounded: beyond a thousand kinds and names, deviations count under `further names`.
 */
export class Violations {
  readonly #found = new Map<string, { -readonly [K in keyof Violation]: Violation[K] }>();

  constructor(private readonly diagnostics: Diagnostics) {}

  /**
   * Counts a deviation, and logs it unless one was logged within the last minute.
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
