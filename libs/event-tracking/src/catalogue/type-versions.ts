import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/event/compare-code-points.js';

export interface TypeVersion {
  /** The record, with the time of its first registration. */
  readonly record: MetadataRecord;
  /** The times when the version came into force, oldest first. */
  readonly since: readonly Date[];
}

/**
 * Returns the versions of one type, newest first.
 *
 * @param known - the records of an earlier catalogue
 * @param found - other records, which may be older, newer or known
 */
export function timeline(
  known: readonly MetadataRecord[],
  found: readonly MetadataRecord[],
): readonly [TypeVersion, ...TypeVersion[]] {
  const runs = inForce([...known, ...withoutRepetitions(known, found)]);
  const since = new Map<string, Date[]>();
  for (const { id, timestamp } of runs) since.set(id, [...(since.get(id) ?? []), timestamp]);
  const latest = latestOf([...known, ...found]);
  const newestFirst = [...new Set(runs.toReversed().map(({ id }) => id))];
  return newestFirst.map((id) => {
    const dates = since.get(id)!;
    return { record: { ...latest.get(id)!, timestamp: dates[0]! }, since: dates };
  }) as unknown as readonly [TypeVersion, ...TypeVersion[]];
}

/** Returns the latest record of each id, because its code location is the most accurate. */
function latestOf(records: readonly MetadataRecord[]): Map<string, MetadataRecord> {
  return new Map(byTime(records).map((record) => [record.id, record]));
}

/**
 * Drops known versions except the last: a process that registers several versions repeats them at
 * each start.
 */
function withoutRepetitions(
  known: readonly MetadataRecord[],
  found: readonly MetadataRecord[],
): MetadataRecord[] {
  const ids = new Set(known.map(({ id }) => id));
  const last = byTime(found).at(-1);
  return found.filter((record) => record === last || !ids.has(record.id));
}

function inForce(records: readonly MetadataRecord[]): MetadataRecord[] {
  return byTime(records).filter((record, index, all) => record.id !== all[index - 1]?.id);
}

/** Sorts records by time, oldest first, and then by id, so that the result is deterministic. */
export function byTime(records: readonly MetadataRecord[]): MetadataRecord[] {
  return records.toSorted(
    (a, b) => a.timestamp.getTime() - b.timestamp.getTime() || compareCodePoints(a.id, b.id),
  );
}
