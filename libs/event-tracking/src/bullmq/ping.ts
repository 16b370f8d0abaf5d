import type { Queue } from 'bullmq';
import type { Deadline } from '../core/tree/backend.js';
import { untilAborted } from '../core/tree/until-aborted.js';

/** Rejects if a queue's Redis does not answer before the signal aborts. */
export async function ping(queue: Queue, { signal }: Deadline): Promise<void> {
  let hasAnswered = false;
  const answer = queue.getJobCounts('wait').then(() => (hasAnswered = true));
  await untilAborted(answer, signal);
  if (!hasAnswered) throw new Error('Redis did not answer in time.');
}
