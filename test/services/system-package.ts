import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { which } from './which.js';

const run = promisify(execFile);

/** Installs a system package with apt; returns the path of the command of the same name. */
export async function installSystemPackage(name: string): Promise<string> {
  const apt = await which('apt-get');
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 << 20,
  };
  const install = ['install', '-y', '--no-install-recommends', name];
  try {
    await run(apt, install, options);
  } catch {
    await run(apt, ['update'], options);
    await run(apt, install, options);
  }
  return which(name);
}
