import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import type { Filters } from './command-line.js';

/** Tells whether an event is one of those that the filters mean. */
export function matches(event: TrackingEvent, filters: Filters): boolean {
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
