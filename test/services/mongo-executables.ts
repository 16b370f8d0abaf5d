import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MongoBinary } from 'mongodb-memory-server-core';
import type { Source } from './first-available.js';
import { installOnce, isInstalled, tryOncePerDay } from './install-once.js';
import { which } from './which.js';

const run = promisify(execFile);

/** A program that serves MongoDB's protocol, and its command line. */
export interface MongoExecutable {
  description: string;
  command: string;
  args(options: { port: number; storage: string; durable: boolean }): string[];
}

/** A way to get a server. */
export type MongoSource = Source<MongoExecutable>;

const SECANTUS_RUST = '0.5.3-beta.196';
const SECANTUS_PYTHON = '0.7.0b3';
const RUST_DIRECTORY = `secantusd-rs-${SECANTUS_RUST}`;

const onPath: MongoSource = {
  name: 'mongod on the PATH',
  async find() {
    const command = await which('mongod');
    return mongod(command, await versionOf(command));
  },
};

const downloaded: MongoSource = {
  name: 'the download of mongodb-memory-server',
  async find() {
    const downloadDir = await tryOncePerDay('mongod', () =>
      installOnce('mongod', async (directory) => {
        await MongoBinary.getPath({ downloadDir: directory, checkMD5: true });
      }),
    );
    const command = await MongoBinary.getPath({ downloadDir });
    return mongod(command, await versionOf(command));
  },
};

const secantusRust: MongoSource = {
  name: 'SecantusDB, built with cargo',
  async find() {
    const directory = await installOnce(RUST_DIRECTORY, async (root) => {
      const cargo = await which('cargo');
      const crate = ['secantus-mdb', '--version', SECANTUS_RUST];
      await run(cargo, ['install', ...crate, '--ignore-rust-version', '--root', root]);
    });
    return secantus(join(directory, 'bin', 'secantusd-rs'), `${SECANTUS_RUST}, Rust`);
  },
};

const secantusRustIfBuilt: MongoSource = {
  name: 'SecantusDB, built with cargo earlier',
  async find() {
    if (!(await isInstalled(RUST_DIRECTORY))) throw new Error('it was not built on this machine');
    return secantusRust.find();
  },
};

const secantusPython: MongoSource = {
  name: 'SecantusDB, installed with pip',
  async find() {
    const directory = await installOnce(`secantusd-py-${SECANTUS_PYTHON}`, async (environment) => {
      await run(await which('python3'), ['-m', 'venv', environment]);
      const pip = join(environment, 'bin', 'pip');
      await run(pip, ['install', '--quiet', '--pre', `SecantusDB==${SECANTUS_PYTHON}`]);
    });
    return secantus(join(directory, 'bin', 'secantusd-py'), `${SECANTUS_PYTHON}, Python`);
  },
};

/** Returns the sources in order of preference; `fast` prefers a build to the slow Python server. */
export function mongoSources({ fast }: { fast: boolean }): readonly MongoSource[] {
  const built = fast ? secantusRust : secantusRustIfBuilt;
  return [onPath, downloaded, built, secantusPython];
}

function mongod(command: string, version: string): MongoExecutable {
  return {
    description: `mongod ${version}`,
    command,
    args({ port, storage }) {
      return ['--port', String(port), '--dbpath', storage, '--bind_ip', '127.0.0.1'];
    },
  };
}

function secantus(command: string, version: string): MongoExecutable {
  return {
    description: `SecantusDB ${version}`,
    command,
    args({ port, storage, durable }) {
      const args = ['--port', String(port), '--storage-path', storage, '--log-level', 'WARNING'];
      return durable ? [...args, '--sync-on-commit'] : args;
    },
  };
}

async function versionOf(mongodCommand: string): Promise<string> {
  const { stdout } = await run(mongodCommand, ['--version']);
  return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'of an unknown version';
}
