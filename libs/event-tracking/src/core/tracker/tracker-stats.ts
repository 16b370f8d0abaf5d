import type { ViolationKind } from '../diagnostics/violation.js';
import type { EventStats } from '../tree/event-stats.js';

/** Counts a tracker's events by their outcome. */
export interface TrackerStats extends EventStats {
  /** By path of the routing nodes (empty for the root) and backends. */
  readonly backends: Readonly<Record<string, EventStats>>;
  /** How often events deviated from their types, by kind; these events were still delivered. */
  readonly violations: Readonly<Partial<Record<ViolationKind, number>>>;
}
