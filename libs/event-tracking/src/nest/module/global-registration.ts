import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import {
  allowReplacement,
  isNameTaken,
  registerTracker,
  unregisterTracker,
} from '../../core/tracker/registry.js';
import type { EventTrackingApplication } from './application.js';

/** Registers an application's trackers for code outside the injector until the application ends. */
export class GlobalRegistration {
  constructor(private readonly application: EventTrackingApplication) {}

  /**
   * Registers the trackers, in place of those of an application that is closing.
   *
   * @throws {@link ImproperlyConfigured} if a name is already taken by another tracker
   */
  register(): void {
    for (const name of this.application.trackers.keys()) {
      if (isNameTaken(name)) {
        throw new ImproperlyConfigured(
          `registerGlobally: a tracker named '${name}' is already registered, probably by ` +
            `another application in this process. Close that application first, or set ` +
            `registerGlobally in only one application.`,
        );
      }
    }
    for (const [name, { tracker }] of this.application.trackers) registerTracker(tracker, name);
  }

  /** Lets the next application take over the names; until then, they stay registered. */
  allowReplacement(): void {
    for (const { tracker } of this.application.trackers.values()) allowReplacement(tracker);
  }

  /** Unregisters the application's trackers, but no others under the same names. */
  remove(): void {
    for (const [name, { tracker }] of this.application.trackers) unregisterTracker(tracker, name);
  }
}
