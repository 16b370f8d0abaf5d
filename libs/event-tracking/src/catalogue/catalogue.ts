import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/tree/compare-code-points.js';
import { byTime, timeline, type TypeVersion } from './type-versions.js';

/** A kind of events or contexts, in all the versions that are known of it. */
export interface CatalogueType {
  readonly kind: MetadataRecord['kind'];
  readonly name: string;
  /** The version that was registered last. */
  readonly current: TypeVersion;
  /** The newest first. */
  readonly versions: readonly TypeVersion[];
  /** Whether the application has ceased to register it. */
  readonly isRetired: boolean;
}

/** Context types that are entered together, which events refer to by one id. */
export interface ContextCombination {
  readonly record: MetadataRecord;
  /** Those of its parts that the catalogue knows. */
  readonly parts: readonly TypeVersion[];
}

/** All that is known of an application's events and contexts: plain values, in the order of their names. */
export interface Catalogue {
  readonly title: string;
  readonly events: readonly CatalogueType[];
  readonly contexts: readonly CatalogueType[];
  readonly combinations: readonly ContextCombination[];
}

/** How a catalogue is made. */
export interface CatalogueOptions {
  /**
   * What the catalogue is called.
   *
   * @default that of the earlier catalogue, or 'Event catalogue'
   */
  title?: string;
  /**
   * What was known before: its versions are kept.
   *
   * @default nothing
   */
  earlier?: Catalogue;
  /**
   * The records that the application registers now; types that have none among them are marked as retired.
   *
   * @default no type is retired
   */
  registered?: Iterable<MetadataRecord>;
}

const DEFAULT_TITLE = 'Event catalogue';

/**
 * Makes a catalogue of metadata records, of any number of versions, in any order.
 *
 * @remarks
 * A version is in force from when it was first registered until another is; one that is registered again after another
 * is in force again. Registering what is in force already changes nothing, so that the same records lead to the same
 * catalogue, however often it is made.
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

/** The records that a catalogue holds, each as often as it came into force: {@link catalogueOf} makes it again of them. */
export function recordsOf(catalogue: Catalogue): MetadataRecord[] {
  return [
    ...[...catalogue.events, ...catalogue.contexts].flatMap(({ versions }) =>
      versions.flatMap(({ record, since }) => since.map((timestamp) => ({ ...record, timestamp }))),
    ),
    ...catalogue.combinations.map(({ record }) => record),
  ];
}

/**
 * What an event's `name_id` or `context_type_id` refers to: one version, or one of each context that was entered.
 *
 * @returns nothing for an id that is not known
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
  // The oldest of an id comes last, and stays: the same records lead to the same catalogue.
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

/** The records of each type. */
function grouped(records: readonly MetadataRecord[]): Map<string, MetadataRecord[]> {
  const groups = new Map<string, MetadataRecord[]>();
  for (const record of records.filter(isType)) {
    const group = groups.get(identityOf(record));
    if (group === undefined) groups.set(identityOf(record), [record]);
    else group.push(record);
  }
  return groups;
}
