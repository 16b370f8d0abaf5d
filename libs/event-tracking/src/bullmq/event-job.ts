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

/** The format of jobs that this version writes; it also reads jobs without a format, which are older. */
const JOB_FORMAT = 1;

/** The data of a job: events of one node of a tracker's tree. */
export interface EventJob {
  format?: number;
  tracker: string;
  /** The node that queued them. */
  path: string;
  events: JobEvent[];
  /** How often in a row all of its events waited for destinations that held up others. */
  deferrals?: number;
}

/** The data of a job that carries a metadata record to the workers. */
export interface RecordJob {
  format?: number;
  tracker: string;
  /** The node that queued it. */
  path: string;
  record: PackedEvent;
}

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
  return {
    format: JOB_FORMAT,
    tracker,
    path,
    events: events.map((event) => ({ event: packEvent(event) })),
  };
}

/** Events on their way to where they are still to be delivered. */
export function jobOf(tracker: string, path: string, events: readonly QueuedEvent[]): EventJob {
  return {
    format: JOB_FORMAT,
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
  return { format: JOB_FORMAT, tracker, path, record: packMetadata(record) };
}

/** @throws {@link MalformedEventError} if the job does not hold a metadata record */
export function recordOfJob({ record }: RecordJob): MetadataRecord {
  return unpackMetadata(record);
}

export function isRecordJob(job: EventJob | RecordJob): job is RecordJob {
  return 'record' in job;
}

/** Whether a newer version of this library wrote a job. */
export function isNewerJob({ format }: EventJob | RecordJob): boolean {
  return typeof format === 'number' && format > JOB_FORMAT;
}

/** How many events a job had, if Redis has lost its data: the id tells it. */
export function countOfLostEvents(id: string | undefined, data: object): number | undefined {
  if (Object.keys(data).length > 0) return undefined;
  const count = /^[0-9a-f-]{36}\.(\d+)$/.exec(id ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}
