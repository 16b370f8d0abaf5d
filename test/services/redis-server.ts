import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { ServerProcess } from './server-process.js';
import { systemPackage } from './system-package.js';
import { which } from './which.js';

const run = promisify(execFile);

/** A Redis. */
export interface RedisServer {
  readonly port: number;
  /** What it is, and its version. */
  readonly description: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again, with what it had written to its append-only file. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Finds or installs a server, and starts it on a free port, in a directory of its own, with an append-only file.
 *
 * @param options - further ones, as its command line takes them
 */
export async function startRedis(options: readonly string[] = []): Promise<RedisServer> {
  const command = await findExecutable();
  const { stdout } = await run(command, ['--version']);
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'event-tracking-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  const persistence = ['--save', '', '--appendonly', 'yes'];
  const server = new ServerProcess(command, [...args, ...persistence, ...options], port);
  await server.start();
  return {
    port,
    description: /(Redis|Valkey) server v=[\d.]+/.exec(stdout)?.[0] ?? command,
    kill: () => server.kill(),
    restart: () => server.start(),
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function findExecutable(): Promise<string> {
  const refusals: string[] = [];
  const sources: Record<string, () => Promise<string>> = {
    'redis-server on the PATH': () => which('redis-server'),
    'valkey-server on the PATH': () => which('valkey-server'),
    'the package redis-server of the system': () => systemPackage('redis-server'),
  };
  for (const [name, find] of Object.entries(sources)) {
    try {
      return await find();
    } catch (error) {
      refusals.push(`- ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `These tests need a Redis, and none could be had:\n${refusals.join('\n')}\n` +
      `Set REDIS_URL, or put redis-server or valkey-server on the PATH.`,
  );
}
