import * as bullmq from 'bullmq';
import type { IRedisClient, Queue } from 'bullmq';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** BullMQ 6 keeps the client in the backend of the queue; BullMQ 5 keeps it in the queue. */
interface ClientHolder {
  getBackend?: () => { readonly client: Promise<IRedisClient> };
  readonly client?: Promise<IRedisClient>;
}

export function clientOf(queue: Queue): Promise<IRedisClient> {
  const holder = queue as unknown as ClientHolder;
  return (holder.getBackend?.().client ?? holder.client)!;
}

/**
 * Checks the version of BullMQ by a function that all supported versions export: BullMQ exports its
 * version only through its manifest, which bundles lack.
 *
 * @throws {@link ImproperlyConfigured} if the version is not supported
 */
export function checkVersion(exported: Partial<typeof bullmq> = bullmq): void {
  if (typeof exported.createIORedisClient === 'function') return;
  throw new ImproperlyConfigured(
    'BullMqEventQueue: bullmq must be version 5.81 or newer, or 6; received an older version. ' +
      'Install a supported version: npm install bullmq@6.',
  );
}
