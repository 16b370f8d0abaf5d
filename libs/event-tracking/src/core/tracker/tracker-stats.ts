import type { ViolationKind } from '../diagnostics/violation.js';
import type { EventStats } from '../tree/event-stats.js';

/** What became of a tracker's events. */
export interface TrackerStats extends EventStats {
  /** By path of the routing nodes (empty for the root) and backends. */
  readonly backends: Readonly<Record<string, EventStats>>;
  /** How often events deviated from their types, by kind; these events were still delivered. */
  readonly violations: Readonly<Partial<Record<ViolationKind, number>>>;
}
