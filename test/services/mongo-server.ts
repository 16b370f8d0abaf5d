import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstAvailable } from './first-available.js';
import { freePort } from './free-port.js';
import { mongoSources, type MongoExecutable } from './mongo-executables.js';
import { ServerProcess } from './server-process.js';

/** A server that speaks MongoDB's protocol. */
export interface MongoServer {
  readonly uri: string;
  readonly port: number;
  /** The product and its version. */
  readonly description: string;
  /** Ends the server as a crash would. */
  kill(): Promise<void>;
  /** Starts the server again with its stored data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** How tests use the server. */
export interface MongoServerOptions {
  /**
   * Whether tests need a fast server, or one that can be killed, even if its installation takes
   * minutes.
   *
   * @default false
   */
  fast?: boolean;
  /**
   * Whether acknowledged data must survive `kill`.
   *
   * @default false
   */
  durable?: boolean;
}

/** Finds or installs a server, and starts it on a free port with its own storage. */
export async function startMongo(options: MongoServerOptions = {}): Promise<MongoServer> {
  const { fast = false, durable = false } = options;
  const executable = await findExecutable(fast);
  const port = await freePort();
  const storage = await mkdtemp(join(tmpdir(), 'event-tracking-mongo-'));
  const args = executable.args({ port, storage, durable });
  const server = new ServerProcess(executable.command, args, port);
  await server.start();
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    port,
    description: executable.description,
    kill: () => server.kill(),
    restart: () => server.start(),
    async stop() {
      await server.stop();
      await rm(storage, { recursive: true, force: true });
    },
  };
}

function findExecutable(fast: boolean): Promise<MongoExecutable> {
  return firstAvailable(mongoSources({ fast }), {
    tool: `a server that speaks MongoDB's protocol`,
    advice: `Set MONGODB_URI, put mongod on the PATH, or install cargo or python3 to install a server.`,
  });
}
