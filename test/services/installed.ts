import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LONGEST_INSTALLATION_MS = 20 * 60_000;
const POLL_MS = 250;

/** Where what tests install is kept, outside the checkout. */
export function cacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'nestjs-event-tracking');
}

const A_DAY_MS = 24 * 60 * 60_000;

/** Tries something that may be impossible on this machine, and does not try again for a day when it fails. */
export async function triedOnceADay<T>(name: string, work: () => Promise<T>): Promise<T> {
  const memory = join(cacheDirectory(), `${name}.failed`);
  const failed = await stat(memory).catch(() => undefined);
  if (failed !== undefined && Date.now() - failed.mtimeMs < A_DAY_MS) {
    throw new Error(
      `${await readFile(memory, 'utf8')} (tried lately; remove ${memory} to try again)`,
    );
  }
  try {
    return await work();
  } catch (error) {
    await mkdir(cacheDirectory(), { recursive: true });
    await writeFile(memory, (error as Error).message.split('\n')[0]!);
    throw error;
  }
}

/** Tells whether something was installed completely. */
export async function isInstalled(name: string): Promise<boolean> {
  return exists(markerOf(name));
}

/**
 * Installs something once for the machine, in a directory of that name; several processes may ask at the same time.
 *
 * @returns the directory
 */
export async function installed(
  name: string,
  install: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory(), name);
  await mkdir(cacheDirectory(), { recursive: true });
  const lock = `${directory}.lock`;
  for (const start = Date.now(); !(await isInstalled(name)); await delay(POLL_MS)) {
    if (!(await locked(lock))) {
      if (Date.now() - start > LONGEST_INSTALLATION_MS) await rm(lock, { recursive: true });
      continue;
    }
    try {
      if (await isInstalled(name)) break;
      await rm(directory, { recursive: true, force: true });
      await install(directory);
      await writeFile(markerOf(name), new Date().toISOString());
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }
  return directory;
}

/** Written last: what has no marker was interrupted. */
function markerOf(name: string): string {
  return join(cacheDirectory(), `${name}.installed`);
}

async function locked(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
