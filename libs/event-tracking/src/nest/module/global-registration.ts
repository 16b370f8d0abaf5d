import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import {
  isTrackerRegistered,
  registerTracker,
  unregisterTracker,
} from '../../core/tracker/registry.js';
import type { EventTrackingApplication } from './application.js';

/** Makes an application's trackers known to code outside the injector, while the application lives. */
export class GlobalRegistration {
  constructor(private readonly application: EventTrackingApplication) {}

  /** @throws {@link ImproperlyConfigured} when another tracker has one of the names */
  register(): void {
    for (const name of this.application.trackers.keys()) {
      if (isTrackerRegistered(name)) {
        throw new ImproperlyConfigured(
          `registerGlobally: a tracker named '${name}' is registered already, probably by another application of this ` +
            `process. Close that application first, or set registerGlobally in one of them only.`,
        );
      }
    }
    for (const [name, { tracker }] of this.application.trackers) registerTracker(tracker, name);
  }

  /** Forgets the application's own trackers, and nobody else's. */
  remove(): void {
    for (const [name, { tracker }] of this.application.trackers) unregisterTracker(tracker, name);
  }
}
