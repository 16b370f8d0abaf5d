/** The entry file of a thread: loads the module once and runs its default export for each event. */
import { workerData } from 'node:worker_threads';
import { describeValue } from '../core/diagnostics/describe.js';
import { isTrackingEvent, type TrackingEvent } from '../core/event/event.js';
import type { ProcessingStep } from '../core/tree/processor.js';
import { copyOf } from '../core/event/snapshot.js';
import { loadStep } from './load-step.js';
import {
  replyToThrown,
  type ThreadData,
  type ThreadReply,
  type ThreadTask,
} from './thread-messages.js';

let loading: Promise<ProcessingStep> | undefined;

/** Runs one task; replies with errors instead of rejecting. */
export async function run({ event }: ThreadTask): Promise<ThreadReply> {
  try {
    const step = await (loading ??= loadStep(workerData as ThreadData));
    if (event === undefined) return { loaded: true };
    const result: unknown = await step.run(event);
    return step.isFilter
      ? { isKept: Boolean(result) }
      : { event: copyOf(resultingEvent(result, event)) };
  } catch (thrown) {
    return replyToThrown(thrown);
  }
}

function resultingEvent(result: unknown, event: TrackingEvent): TrackingEvent {
  if (result === undefined || result === null) return event;
  if (isTrackingEvent(result)) return result;
  throw new TypeError(`it returned ${describeValue(result)}, which is not an event`);
}
