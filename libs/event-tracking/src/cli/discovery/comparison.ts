import { compareCodePoints } from '../../core/event/compare-code-points.js';
import type { DynamicCall, Findings, CodeLocation } from './findings.js';

/** A name and its locations in the code. */
export interface LocatedName {
  readonly name: string;
  readonly places: readonly CodeLocation[];
}

/** The differences between the emitted events and the described event types. */
export interface Comparison {
  readonly emitted: readonly LocatedName[];
  /** Emitted names without an event type. */
  readonly notInCatalogue: readonly LocatedName[];
  /** Event types that no code emits, with the locations of their declarations. */
  readonly neverEmitted: readonly LocatedName[];
  /** Calls whose names are known only at run time. */
  readonly dynamic: readonly DynamicCall[];
  /** Calls of `emit` on values of type `any`. */
  readonly untyped: readonly CodeLocation[];
}

/**
 * Compares the findings in the code with a catalogue.
 *
 * @param catalogue - the names of the event types; by default those that the code declares
 */
export function compare(findings: Findings, catalogue?: ReadonlySet<string>): Comparison {
  const { declared, described, untyped } = findings;
  const emitted = sorted(findings.emitted);
  const isKnown = (name: string): boolean =>
    catalogue?.has(name) ?? (declared.has(name) || described.has(name));
  return {
    emitted,
    notInCatalogue: emitted.filter(({ name }) => !isKnown(name)),
    neverEmitted: sorted(
      new Map([...(catalogue ?? declared.keys())].map((name) => [name, declared.get(name) ?? []])),
    ).filter(({ name }) => !findings.emitted.has(name)),
    // Dynamic declarations matter only if the declarations are the catalogue.
    dynamic: findings.dynamic.filter(
      ({ call }) => catalogue === undefined || call === 'emit' || call === 'EmitEvent',
    ),
    untyped,
  };
}

/** Whether the code emits exactly the described event types. */
export function isConsistent({ notInCatalogue, neverEmitted, dynamic }: Comparison): boolean {
  return [notInCatalogue, neverEmitted, dynamic].every((each) => each.length === 0);
}

function sorted(found: ReadonlyMap<string, readonly CodeLocation[]>): LocatedName[] {
  return [...found]
    .map(([name, places]) => ({ name, places }))
    .sort((a, b) => compareCodePoints(a.name, b.name));
}
