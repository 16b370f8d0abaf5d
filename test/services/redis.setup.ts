import type { TestProject } from 'vitest/node';
import { startRedis } from './redis-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A Redis for all tests of the run; each uses queues of its own. */
    redisUrl: string;
  }
}

/** Gives the run a Redis: that of the environment, or one that is found or installed, and stopped at the end. */
export default async function provideRedis({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '') {
    console.log('Redis: that of REDIS_URL');
    provide('redisUrl', given);
    return async () => {};
  }
  const started = Date.now();
  const server = await startRedis();
  console.log(`Redis: ${server.description}, started in ${Date.now() - started} ms`);
  provide('redisUrl', `redis://127.0.0.1:${server.port}`);
  return () => server.stop();
}
