import type { TrackingEvent } from '../core/event/event.js';
import type { QueuedEvent } from '../core/tree/event-queue.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import {
  packEvent,
  packMetadata,
  unpackEvent,
  unpackMetadata,
  type PackedEvent,
} from '../core/tree/packed-event.js';

/** The data of a job: events of one node of a tracker's tree. */
export interface EventJob {
  tracker: string;
  /** The node that queued them. */
  path: string;
  events: JobEvent[];
  /** How often in a row all of its events waited for destinations that held up others. */
  deferrals?: number;
}

/** The data of a job that carries a metadata record to the workers. */
export interface RecordJob {
  tracker: string;
  /** The node that queued it. */
  path: string;
  record: PackedEvent;
}

/** An event in a job. */
export interface JobEvent {
  event: PackedEvent;
  /** The backend where it is still to be delivered; all that are behind the node where it is left out. */
  at?: string;
  /** How many attempts in a row failed for an unknown reason. */
  attempts?: number;
}

/** A value of a job that is not an event, and the reason. */
export interface BadEvent {
  jobEvent: JobEvent;
  error: unknown;
}

/** Events on their way to all that is behind the node. */
export function jobOfNew(
  tracker: string,
  path: string,
  events: readonly TrackingEvent[],
): EventJob {
  return { tracker, path, events: events.map((event) => ({ event: packEvent(event) })) };
}

/** Events on their way to where they are still to be delivered. */
export function jobOf(tracker: string, path: string, events: readonly QueuedEvent[]): EventJob {
  return {
    tracker,
    path,
    events: events.map(({ event, path: at, attempts }) => ({
      event: packEvent(event),
      ...(at !== path && { at }),
      ...(attempts !== undefined && { attempts }),
    })),
  };
}

/** The events of a job, and apart from them its other values. */
export function eventsOf({ path, events }: EventJob): { good: QueuedEvent[]; bad: BadEvent[] } {
  const [good, bad]: [QueuedEvent[], BadEvent[]] = [[], []];
  for (const jobEvent of events) {
    try {
      const { at = path, attempts } = jobEvent;
      const event = unpackEvent(jobEvent.event);
      good.push({ path: at, event, ...(attempts !== undefined && { attempts }) });
    } catch (error) {
      bad.push({ jobEvent, error });
    }
  }
  return { good, bad };
}

export function recordJobOf(tracker: string, path: string, record: MetadataRecord): RecordJob {
  return { tracker, path, record: packMetadata(record) };
}

/** @throws {@link MalformedEventError} if the job does not hold a metadata record */
export function recordOfJob({ record }: RecordJob): MetadataRecord {
  return unpackMetadata(record);
}

export function isRecordJob(job: EventJob | RecordJob): job is RecordJob {
  return 'record' in job;
}
