import { quoteName } from '../diagnostics/describe.js';
import type { DataArgument } from '../event-types/event-map.js';
import { nameOfType, type EventDataOf, type EventType } from '../event-types/event-type.js';
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { UnknownTrackerError } from '../diagnostics/errors.js';
import type { Tracker } from './tracker.js';

const REGISTRY = Symbol.for('event-tracking:registry');
const REPLACEABLE = Symbol.for('event-tracking:replaceable');
const DEFAULT = 'default';

/** The state of the registry; all copies of the package in a process share it. */
const holder = globalThis as {
  [REGISTRY]?: Map<string, Tracker>;
  [REPLACEABLE]?: WeakSet<Tracker>;
};

function registry(): Map<string, Tracker> {
  return (holder[REGISTRY] ??= new Map());
}

function replaceable(): WeakSet<Tracker> {
  return (holder[REPLACEABLE] ??= new WeakSet());
}

/**
 * Makes a tracker available to code outside the injector; replaces the one that has the name.
 *
 * @param name - defaults to `default`
 */
export function registerTracker(tracker: Tracker, name: string = DEFAULT): void {
  registry().set(name, tracker);
}

/** Removes a tracker, if it still has the name. */
export function unregisterTracker(tracker: Tracker, name: string = DEFAULT): void {
  if (registry().get(name) === tracker) registry().delete(name);
}

/** Lets another application take over the names of a tracker, which keeps them until then. */
export function allowReplacement(tracker: Tracker): void {
  replaceable().add(tracker);
}

/** Whether a name belongs to a tracker that must not be replaced. */
export function isNameTaken(name: string): boolean {
  const tracker = registry().get(name);
  return tracker !== undefined && !replaceable().has(tracker);
}

/**
 * Returns a tracker that {@link registerTracker} has registered.
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
