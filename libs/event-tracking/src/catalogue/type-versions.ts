import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/tree/compare-code-points.js';

/** A description of a type that was, or is, in force. */
export interface TypeVersion {
  /** Its timestamp is when it was registered for the first time. */
  readonly record: MetadataRecord;
  /** When it came into force: for the first time, and each time that it replaced another; the oldest first. */
  readonly since: readonly Date[];
}

/**
 * The versions of one type, the newest first.
 *
 * @param known - of an earlier catalogue
 * @param found - what was registered since, or before, or is known already
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

/** Of several records of the same id, the one that was registered last: it says best where that was. */
function latestOf(records: readonly MetadataRecord[]): Map<string, MetadataRecord> {
  return new Map(byTime(records).map((record) => [record.id, record]));
}

/** Where a process registers several versions, it does so each time that it is started: that is known, save for the last. */
function withoutRepetitions(
  known: readonly MetadataRecord[],
  found: readonly MetadataRecord[],
): MetadataRecord[] {
  const ids = new Set(known.map(({ id }) => id));
  const last = byTime(found).at(-1);
  return found.filter((record) => record === last || !ids.has(record.id));
}

/** The records at which another version than before came into force, the oldest first. */
function inForce(records: readonly MetadataRecord[]): MetadataRecord[] {
  return byTime(records).filter((record, index, all) => record.id !== all[index - 1]?.id);
}

/** The oldest first; of the same time in the order of their ids, whatever the order was before. */
export function byTime(records: readonly MetadataRecord[]): MetadataRecord[] {
  return records.toSorted(
    (a, b) => a.timestamp.getTime() - b.timestamp.getTime() || compareCodePoints(a.id, b.id),
  );
}
