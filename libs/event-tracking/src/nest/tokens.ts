import type { InjectionToken } from '@nestjs/common';
import { Tracker } from '../core/tracker/tracker.js';

/** The name of the tracker that is meant where none is named. */
export const DEFAULT_TRACKER = 'default';

/** What the application's own {@link EventTrackingApplication} is provided as. */
export const APPLICATION = Symbol.for('event-tracking:application');

/** What the options are provided as. */
export const OPTIONS = Symbol.for('event-tracking:options');

/** What the checked configuration is provided as. */
export const BLUEPRINT = Symbol.for('event-tracking:blueprint');

/** What makes the trees is provided as, before it has made them. */
export const TREE_BUILDER = Symbol.for('event-tracking:assembly');

/** What makes the trees is provided as, when all of them stand. */
export const BUILT_TREES = Symbol.for('event-tracking:assembled');

/**
 * The injection token of a tracker.
 *
 * @param name - defaults to `default`, whose token is the class {@link Tracker} itself
 */
export function getTrackerToken(name: string = DEFAULT_TRACKER): InjectionToken<Tracker> {
  return name === DEFAULT_TRACKER ? Tracker : Symbol.for(`event-tracking:tracker:${name}`);
}

/**
 * The injection token of a backend.
 *
 * @param path - the names that lead to it, joined by dots: `warehouse.mongo`
 * @param tracker - defaults to `default`
 */
export function getBackendToken(path: string, tracker: string = DEFAULT_TRACKER): InjectionToken {
  return Symbol.for(`event-tracking:backend:${tracker}:${path}`);
}
