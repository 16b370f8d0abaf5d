import { compareCodePoints } from '../../core/tree/compare-code-points.js';
import type { DynamicPlace, Findings, Place } from './findings.js';

/** A name, with the places in the code where it stands. */
export interface NameAtPlaces {
  readonly name: string;
  readonly places: readonly Place[];
}

/** What code emits, beside what is described. */
export interface Comparison {
  readonly emitted: readonly NameAtPlaces[];
  /** Names that are emitted and that no event type has. */
  readonly notInCatalogue: readonly NameAtPlaces[];
  /** Event types that nothing emits, with the places where the code declares them. */
  readonly neverEmitted: readonly NameAtPlaces[];
  /** Places whose names only the running code knows. */
  readonly dynamic: readonly DynamicPlace[];
  /** Calls of a method `emit` of values that have no type. */
  readonly untyped: readonly Place[];
}

/**
 * Compares what was found in the code with a catalogue.
 *
 * @param catalogue - the names of the event types; without it, those that the code itself declares
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
    // What a declaration is called matters only where declarations are the catalogue.
    dynamic: findings.dynamic.filter(
      ({ call }) => catalogue === undefined || call === 'emit' || call === 'EmitEvent',
    ),
    untyped,
  };
}

/** Whether the code emits what is described, and nothing else. */
export function isAllWell({ notInCatalogue, neverEmitted, dynamic }: Comparison): boolean {
  return [notInCatalogue, neverEmitted, dynamic].every((each) => each.length === 0);
}

function sorted(found: ReadonlyMap<string, readonly Place[]>): NameAtPlaces[] {
  return [...found]
    .map(([name, places]) => ({ name, places }))
    .sort((a, b) => compareCodePoints(a.name, b.name));
}
