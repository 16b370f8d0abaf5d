import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import {
  isTrackerRegistered,
  registerTracker,
  unregisterTracker,
} from '../../core/tracker/registry.js';
import type { EventTrackingApplication } from './application.js';

/** Registers an application's trackers for code outside the injector until the application ends. */
export class GlobalRegistration {
  constructor(private readonly application: EventTrackingApplication) {}

  /** @throws {@link ImproperlyConfigured} if a name is already taken by another tracker */
  register(): void {
    for (const name of this.application.trackers.keys()) {
      if (isTrackerRegistered(name)) {
        throw new ImproperlyConfigured(
          `registerGlobally: a tracker named '${name}' is already registered, probably by ` +
            `another application in this process. Close that application first, or set ` +
            `registerGlobally in only one application.`,
        );
      }
    }
    for (const [name, { tracker }] of this.application.trackers) registerTracker(tracker, name);
  }

  /** Unregisters the application's trackers, but no others under the same names. */
  remove(): void {
    for (const [name, { tracker }] of this.application.trackers) unregisterTracker(tracker, name);
  }
}
