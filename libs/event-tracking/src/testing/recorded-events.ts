import { describeValue } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';

/**
 * The events of what a matcher was given: anything that has `events`, or the events themselves.
 *
 * @throws TypeError when it holds none
 */
export function eventsOf(recorded: unknown): readonly TrackingEvent[] {
  if (Array.isArray(recorded)) return recorded as TrackingEvent[];
  const events = (recorded as { events?: unknown } | null | undefined)?.events;
  if (Array.isArray(events)) return events as TrackingEvent[];
  throw new TypeError(
    `expect(…): expected a RecordingBackend, a MemoryBackend or an array of events, received ${describeValue(recorded)}.`,
  );
}
