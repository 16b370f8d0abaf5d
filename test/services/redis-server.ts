import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { firstAvailable } from './first-available.js';
import { freePort } from './free-port.js';
import { ServerProcess } from './server-process.js';
import { installSystemPackage } from './system-package.js';
import { which } from './which.js';

const run = promisify(execFile);

/** A Redis or Valkey server. */
export interface RedisServer {
  readonly port: number;
  /** The product and its version. */
  readonly description: string;
  /** Ends the server as a crash would. */
  kill(): Promise<void>;
  /** Starts the server again with its append-only file. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes Redis write before it acknowledges; with `everysec`, a crash loses acknowledged writes. */
export const WRITE_BEFORE_ACKNOWLEDGING = ['--appendfsync', 'always'];

/**
 * Finds or installs a server, and starts it on a free port, in its own directory, with an
 * append-only file.
 *
 * @param options - further command-line arguments of the server
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
  return firstAvailable(
    [
      { name: 'redis-server on the PATH', find: () => which('redis-server') },
      { name: 'valkey-server on the PATH', find: () => which('valkey-server') },
      {
        name: 'the system package redis-server',
        find: () => installSystemPackage('redis-server'),
      },
    ],
    { tool: 'Redis', advice: `Set REDIS_URL, or put redis-server or valkey-server on the PATH.` },
  );
}
