import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { firstOf } from './first-source.js';
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

/** Has it acknowledge only what survives its death: with `everysec` it may acknowledge what it has yet to write. */
export const WRITE_BEFORE_ANSWERING = ['--appendfsync', 'always'];

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

function findExecutable(): Promise<string> {
  return firstOf(
    [
      { name: 'redis-server on the PATH', find: () => which('redis-server') },
      { name: 'valkey-server on the PATH', find: () => which('valkey-server') },
      {
        name: 'the package redis-server of the system',
        find: () => systemPackage('redis-server'),
      },
    ],
    { what: 'a Redis', advice: `Set REDIS_URL, or put redis-server or valkey-server on the PATH.` },
  );
}
