import type { Queue } from 'bullmq';
import type { Deadline } from '../core/tree/backend.js';
import { endsInTime, untilAborted } from '../core/tree/until-aborted.js';
import { clientOf } from './queue-client.js';
import { connected, type Patience } from './redis-clients.js';
import { describeRedisError } from './redis-error.js';

/** Rejects if a queue's Redis does not answer before the signal aborts. */
export async function ping(queue: Queue, { signal }: Deadline): Promise<void> {
  await ensureConnected(queue, { signal, throughFailures: true });
  let hasAnswered: boolean;
  try {
    hasAnswered = await endsInTime(queue.getJobCounts('wait'), signal);
  } catch (error) {
    throw new Error(`${describeRedisError(error)}.`, { cause: error });
  }
  if (!hasAnswered) throw new Error('Redis did not answer in time.');
}

/** Rejects if commands of a queue cannot be sent now. */
export async function ensureConnected(queue: Queue, patience: Patience = {}): Promise<void> {
  const { signal } = patience;
  const connecting = clientOf(queue); // of an application's queue, it waits for Redis
  await untilAborted(connecting, signal);
  if (signal?.aborted === true) throw new Error('Redis did not answer in time.');
  await connected(await connecting, patience);
}
