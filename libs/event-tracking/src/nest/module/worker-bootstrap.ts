import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { Tracker } from '../../core/tracker/tracker.js';

const workerBootstrap = new AsyncLocalStorage<true>();

/** Whether the running code is part of a worker's bootstrap. */
export function isWorkerBootstrap(): boolean {
  return workerBootstrap.getStore() === true;
}

/**
 * Starts an application without HTTP that consumes events from shared queues.
 *
 * @remarks
 * Overrides the option `worker`. On SIGTERM and SIGINT the worker returns undelivered events to the
 * queue and ends.
 * @throws {@link ImproperlyConfigured} if the module does not import event tracking
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
      `createEventTrackingWorker: ${module.name} does not import EventTrackingModule. ` +
        `A worker needs the trackers and nodes of the applications whose events it consumes: ` +
        `pass the module that imports EventTrackingModule.forRoot().`,
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
