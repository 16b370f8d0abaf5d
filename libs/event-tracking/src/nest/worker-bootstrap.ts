import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

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
  worker.enableShutdownHooks();
  return worker;
}
