import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';

/**
 * Returns the events that a matcher examines: those of an object with `events`, or the array itself.
 *
 * @throws TypeError for any other value
 */
export function eventsOf(recorded: unknown): readonly TrackingEvent[] {
  if (Array.isArray(recorded)) return recorded as TrackingEvent[];
  const events = (recorded as { events?: unknown } | null | undefined)?.events;
  if (Array.isArray(events)) return events as TrackingEvent[];
  throw new TypeError(
    `expect(…): the value must be a RecordingBackend, a MemoryBackend or an array of events; ` +
      `received ${describeValue(recorded)}.`,
  );
}
