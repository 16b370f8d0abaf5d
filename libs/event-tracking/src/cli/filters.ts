import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';

/** Selects events. A missing filter selects every event. */
export interface Filters {
  tracker?: string;
  path?: string;
  name?: string;
  since?: Date;
}

export function matchesFilters(event: TrackingEvent, filters: Filters): boolean {
  const { tracker, path, name, since } = filters;
  const note = isDeadLetter(event) ? event.dead_letter : undefined;
  return (
    (tracker === undefined || (note?.tracker ?? 'default') === tracker) &&
    (path === undefined || note?.path === path || note?.path.startsWith(`${path}.`) === true) &&
    (name === undefined || patternOf(name).test(event.name)) &&
    (since === undefined || event.timestamp >= since)
  );
}

function patternOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
