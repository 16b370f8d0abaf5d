import type { Queue } from 'bullmq';
import type { Deadline } from '../core/tree/backend.js';
import { untilAborted } from '../core/tree/until-aborted.js';

/** Rejects when a queue's Redis cannot be reached, or has not been when the signal aborts. */
export async function reach(queue: Queue, { signal }: Deadline): Promise<void> {
  let isReached = false;
  const answer = queue.getJobCounts('wait').then(() => (isReached = true));
  await untilAborted(answer, signal);
  if (!isReached) throw new Error('Redis did not answer in time.');
}
