import type { TestProject } from 'vitest/node';
import { startRedis } from './redis-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Redis server of the test run; each test uses its own queues. */
    redisUrl: string;
  }
}

/** Provides the Redis server at REDIS_URL, or starts one and stops it after the test run. */
export default async function provideRedis({ provide }: TestProject): Promise<() => Promise<void>> {
  const configured = process.env['REDIS_URL'];
  if (configured !== undefined && configured !== '') {
    console.log('Redis: the server at REDIS_URL');
    provide('redisUrl', configured);
    return async () => {};
  }
  const started = Date.now();
  const server = await startRedis();
  console.log(`Redis: ${server.description}, started in ${Date.now() - started} ms`);
  provide('redisUrl', `redis://127.0.0.1:${server.port}`);
  return () => server.stop();
}
