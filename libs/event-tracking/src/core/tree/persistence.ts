import type { PeriodRange } from '../event/periods.js';
import type { Deadline } from './backend.js';
import type { EventCounters } from './event-stats.js';
import type { UnpersistedEvents } from '../diagnostics/unpersisted-events.js';

/** The events that a caller of `persisted` asks about, and how long it waits for them. */
export interface PersistenceQuery extends PeriodRange, Deadline {}

/** Returns the events that a node has lost, and those that it still holds. */
export function unpersistedAt(
  path: string,
  counters: EventCounters,
  query: PersistenceQuery,
  pending: number = 0,
): UnpersistedEvents[] {
  const lost = counters.lostWithin(query).map((loss) => ({ path, ...loss }));
  return pending > 0 ? [...lost, { path, reason: 'pending', count: pending }] : lost;
}
