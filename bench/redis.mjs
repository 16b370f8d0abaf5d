/** Provides the Redis server at REDIS_URL, or starts one and stops it after the benchmark. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

export async function provideRedis() {
  const given = process.env.REDIS_URL;
  if (given !== undefined && given !== '') {
    const { hostname: host, port } = new URL(given);
    return { connection: { host, port: Number(port || 6379) }, stop: async () => {} };
  }
  const file = fileURLToPath(new URL('../test/services/redis-server.ts', import.meta.url));
  const { module } = await runnerImport(file, { logLevel: 'error', configFile: false });
  const server = await module.startRedis();
  console.log(`Redis: ${server.description}`);
  return { connection: { host: '127.0.0.1', port: server.port }, stop: () => server.stop() };
}
