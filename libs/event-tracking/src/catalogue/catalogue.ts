import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/event/compare-code-points.js';
import { byTime, timeline, type TypeVersion } from './type-versions.js';

/** An event type or context type with its known versions. */
export interface CatalogueType {
  readonly kind: MetadataRecord['kind'];
  readonly name: string;
  /** The version in force. */
  readonly current: TypeVersion;
  /** All versions, newest first. */
  readonly versions: readonly TypeVersion[];
  /** Whether the application no longer registers the type. */
  readonly isRetired: boolean;
}

/** Context types that are entered together. Events refer to them by a single id. */
export interface ContextCombination {
  readonly record: MetadataRecord;
  /** The parts that the catalogue contains. */
  readonly parts: readonly TypeVersion[];
}

/**
 * The event types and context types of an application, sorted by name. Contains only plain values.
 */
export interface Catalogue {
  readonly title: string;
  readonly events: readonly CatalogueType[];
  readonly contexts: readonly CatalogueType[];
  readonly combinations: readonly ContextCombination[];
}

/** Options of {@link catalogueOf}. */
export interface CatalogueOptions {
  /**
   * The title of the catalogue.
   *
   * @default the title of the earlier catalogue, or 'Event catalogue'
   */
  title?: string;
  /**
   * An earlier catalogue, whose versions are kept.
   *
   * @default none
   */
  earlier?: Catalogue;
  /**
   * The records that the application registers now. Other types are marked as retired.
   *
   * @default no type is retired
   */
  registered?: Iterable<MetadataRecord>;
}

const DEFAULT_TITLE = 'Event catalogue';

/**
 * Creates a catalogue from metadata records of any versions, in any order.
 *
 * @remarks
 * A version is in force from its registration until another version is registered. It returns into
 * force if it is registered again. Registering the version in force changes nothing, so the same
 * records always give the same catalogue.
 * @example
 * ```ts
 * const catalogue = catalogueOf(tracker.records, { title: 'Events of the course API' });
 * ```
 */
export function catalogueOf(
  records: Iterable<MetadataRecord>,
  { title, earlier, registered }: CatalogueOptions = {},
): Catalogue {
  const all = [...records];
  const known = earlier === undefined ? [] : recordsOf(earlier);
  const present =
    registered === undefined ? undefined : new Set(Array.from(registered, identityOf));
  const [before, after] = [grouped(known), grouped(all)];
  const types: CatalogueType[] = [];
  for (const identity of new Set([...before.keys(), ...after.keys()])) {
    const versions = timeline(before.get(identity) ?? [], after.get(identity) ?? []);
    const [current] = versions;
    const { kind, name } = current.record;
    const isRetired = present !== undefined && !present.has(identity);
    types.push({ kind, name, current, versions, isRetired });
  }
  types.sort((a, b) => compareCodePoints(a.name, b.name));
  const byId = versionsById(types);
  return {
    title: title ?? earlier?.title ?? DEFAULT_TITLE,
    events: types.filter(({ kind }) => kind === 'event'),
    contexts: types.filter(({ kind }) => kind === 'context'),
    combinations: combinationsOf([...known, ...all], byId),
  };
}

/**
 * Returns the records of a catalogue, one per date of coming into force. {@link catalogueOf}
 * restores it from them.
 */
export function recordsOf(catalogue: Catalogue): MetadataRecord[] {
  return [
    ...[...catalogue.events, ...catalogue.contexts].flatMap(({ versions }) =>
      versions.flatMap(({ record, since }) => since.map((timestamp) => ({ ...record, timestamp }))),
    ),
    ...catalogue.combinations.map(({ record }) => record),
  ];
}

/**
 * Finds the versions that a `name_id` or `context_type_id` of an event refers to.
 *
 * @returns one version, or one per entered context; an empty list for an unknown id
 */
export function findVersions(catalogue: Catalogue, id: string): readonly TypeVersion[] {
  const version = versionsById([...catalogue.events, ...catalogue.contexts]).get(id);
  if (version !== undefined) return [version];
  return catalogue.combinations.find(({ record }) => record.id === id)?.parts ?? [];
}

function combinationsOf(
  records: readonly MetadataRecord[],
  byId: ReadonlyMap<string, TypeVersion>,
): ContextCombination[] {
  const composed = byTime(records.filter((record) => !isType(record)));
  // Keeps the oldest record of each id, so that the order of the records does not matter.
  const oldest = new Map(composed.toReversed().map((record) => [record.id, record]));
  return [...oldest.values()]
    .map((record) => ({
      record,
      parts: (record.composed_of ?? []).flatMap((id) => byId.get(id) ?? []),
    }))
    .sort((a, b) => compareCodePoints(a.record.name, b.record.name));
}

function versionsById(types: readonly CatalogueType[]): Map<string, TypeVersion> {
  return new Map(
    types.flatMap(({ versions }) => versions.map((version) => [version.record.id, version])),
  );
}

function isType({ composed_of }: MetadataRecord): boolean {
  return composed_of === undefined;
}

function identityOf({ kind, name }: MetadataRecord): string {
  return `${kind} ${name}`;
}

/** Groups records by type. */
function grouped(records: readonly MetadataRecord[]): Map<string, MetadataRecord[]> {
  const groups = new Map<string, MetadataRecord[]>();
  for (const record of records.filter(isType)) {
    const group = groups.get(identityOf(record));
    if (group === undefined) groups.set(identityOf(record), [record]);
    else group.push(record);
  }
  return groups;
}
