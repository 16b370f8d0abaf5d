import type { InjectionToken } from '@nestjs/common';
import { Tracker } from '../core/tracker/tracker.js';

/** The name of the tracker that is used when no name is given. */
export const DEFAULT_TRACKER = 'default';

/** The token of the {@link EventTrackingApplication}. */
export const APPLICATION = Symbol.for('event-tracking:application');

/** The token of the trackers that Nest injects, in the order of their names. */
export const INJECTED_TRACKERS = Symbol.for('event-tracking:injected-trackers');

/** The token of the options, before they are validated. */
export const OPTIONS = Symbol.for('event-tracking:options');

/** The token of the {@link Blueprint}. */
export const BLUEPRINT = Symbol.for('event-tracking:blueprint');

/**
 * The token of the {@link TreeBuilder}, available before it has built the trees.
 *
 * @remarks
 * Resolves to the same object as {@link BUILT_TREES}, but earlier. Building a tree can create a
 * provider that injects another backend. If Nest took that backend from the finished trees, the two
 * would wait for each other forever; the builder creates it on demand instead.
 */
export const TREE_BUILDER = Symbol.for('event-tracking:tree-builder');

/** The token of the {@link TreeBuilder} after it has built all trees; see {@link TREE_BUILDER}. */
export const BUILT_TREES = Symbol.for('event-tracking:built-trees');

/**
 * Returns the injection token of a tracker.
 *
 * @param name - defaults to `default`, whose token is the class {@link Tracker} itself
 */
export function getTrackerToken(name: string = DEFAULT_TRACKER): InjectionToken<Tracker> {
  return name === DEFAULT_TRACKER ? Tracker : Symbol.for(`event-tracking:tracker:${name}`);
}

/**
 * Returns the injection token of a backend.
 *
 * @param path - the backend's path in the tree, such as `warehouse.mongo`
 * @param tracker - defaults to `default`
 */
export function getBackendToken(path: string, tracker: string = DEFAULT_TRACKER): InjectionToken {
  return Symbol.for(`event-tracking:backend:${tracker}:${path}`);
}
