import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { Tracker } from '../../core/tracker/tracker.js';

const workerBootstrap = new AsyncLocalStorage<true>();

/** Tells whether the running code belongs to the start of a worker. */
export function isWorkerBootstrap(): boolean {
  return workerBootstrap.getStore() === true;
}

/**
 * Starts an application without HTTP whose event tracking takes events out of the queues that it shares with others,
 * whatever its configuration says of `worker`.
 *
 * @remarks It ends on SIGTERM and SIGINT: what it has not delivered then goes back to the queue.
 * @throws {@link ImproperlyConfigured} for a module without event tracking
 * @example
 * ```ts
 * // worker.ts
 * await createEventTrackingWorker(AppModule);
 * ```
 */
export async function createEventTrackingWorker(
  module: Type,
  options: Parameters<typeof NestFactory.createApplicationContext>[1] = {},
): Promise<INestApplicationContext> {
  const worker = await workerBootstrap.run(true, () =>
    NestFactory.createApplicationContext(module, options),
  );
  if (!hasTracker(worker)) {
    await worker.close();
    throw new ImproperlyConfigured(
      `createEventTrackingWorker: ${module.name} imports no EventTrackingModule. A worker needs the trackers and nodes of ` +
        `the applications whose events it takes: pass the module that imports EventTrackingModule.forRoot().`,
    );
  }
  worker.enableShutdownHooks();
  return worker;
}

function hasTracker(worker: INestApplicationContext): boolean {
  try {
    worker.get(Tracker, { strict: false });
    return true;
  } catch {
    return false;
  }
}
