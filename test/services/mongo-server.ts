import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstOf } from './first-source.js';
import { freePort } from './free-port.js';
import { mongoSources, type MongoExecutable } from './mongo-executables.js';
import { ServerProcess } from './server-process.js';

/** A server that speaks MongoDB's protocol. */
export interface MongoServer {
  readonly uri: string;
  readonly port: number;
  /** What it is, and its version. */
  readonly description: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again, with what it had stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What the server is for. */
export interface MongoServerOptions {
  /**
   * Whether a server that is fast, or that can be killed, is worth minutes of installing.
   *
   * @default false
   */
  fast?: boolean;
  /**
   * Whether what is acknowledged has to survive `kill`.
   *
   * @default false
   */
  durable?: boolean;
}

/** Finds or installs a server, and starts it on a free port, with storage of its own. */
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
  return firstOf(mongoSources({ fast }), {
    what: `a server that speaks MongoDB's protocol`,
    advice: `Set MONGODB_URI, put mongod on the PATH, or install cargo or python3 so that a server can be installed.`,
  });
}
