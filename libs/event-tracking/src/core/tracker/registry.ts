import { quoteName } from '../diagnostics/describe.js';
import type { DataArgument } from '../event-types/event-map.js';
import { nameOfType, type EventDataOf, type EventType } from '../event-types/event-type.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { UnknownTrackerError } from '../diagnostics/errors.js';
import type { Tracker } from './tracker.js';

const REGISTRY = Symbol.for('event-tracking:registry');
const DEFAULT = 'default';

/** One registry for the process, also where two copies of the package are loaded. */
function registry(): Map<string, Tracker> {
  const holder = globalThis as { [REGISTRY]?: Map<string, Tracker> };
  return (holder[REGISTRY] ??= new Map());
}

/**
 * Makes a tracker known to code outside the injector; replaces the one that had the name.
 *
 * @param name - defaults to `default`
 */
export function registerTracker(tracker: Tracker, name: string = DEFAULT): void {
  registry().set(name, tracker);
}

/** Forgets a tracker, if it still is the one that has the name. */
export function unregisterTracker(tracker: Tracker, name: string = DEFAULT): void {
  if (registry().get(name) === tracker) registry().delete(name);
}

/** Whether a tracker is registered under the name. */
export function isTrackerRegistered(name: string): boolean {
  return registry().has(name);
}

/**
 * Finds a tracker that {@link registerTracker} made known.
 *
 * @param name - defaults to `default`
 * @throws {@link UnknownTrackerError} if no tracker is registered under the name
 */
export function getTracker(name: string = DEFAULT): Tracker {
  const tracker = registry().get(name);
  if (tracker === undefined) {
    const known = [...registry().keys()].map((each) => `'${each}'`).join(', ');
    throw new UnknownTrackerError(
      `No tracker ${quoteName(name)} is registered; registered trackers: ${known === '' ? 'none' : known}. Call ` +
        `registerTracker(tracker, name), or set registerGlobally: true in EventTrackingModule.forRoot.`,
    );
  }
  return tracker;
}

const diagnostics = new Diagnostics();

/**
 * Emits through the tracker that is registered as `default`.
 *
 * @remarks Never throws: without a registered tracker it emits nothing and logs a warning.
 */
export function emit<T extends EventType>(type: T, ...data: DataArgument<EventDataOf<T>>): void;
export function emit(name?: string, data?: object): void;
export function emit(name?: string | EventType, data?: object): void {
  const tracker = registry().get(DEFAULT);
  if (tracker !== undefined) {
    tracker.emit(name as string, data);
    return;
  }
  diagnostics.warn(
    'emit without a default tracker',
    `The event ${quoteName(nameOfType(name))} was not emitted: no default tracker is registered. Call registerTracker(tracker), ` +
      `or set registerGlobally: true in EventTrackingModule.forRoot.`,
    { burst: 1 },
  );
}
