import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const MAX_INSTALLATION_MS = 20 * 60_000;
const POLL_MS = 250;

/** Returns the directory for software that tests install, outside the checkout. */
export function cacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'nestjs-event-tracking');
}

const DAY_MS = 24 * 60 * 60_000;

/** Runs work that may be impossible on this machine; after a failure, skips it for a day. */
export async function tryOncePerDay<T>(name: string, work: () => Promise<T>): Promise<T> {
  const failureFile = join(cacheDirectory(), `${name}.failed`);
  const failed = await stat(failureFile).catch(() => undefined);
  if (failed !== undefined && Date.now() - failed.mtimeMs < DAY_MS) {
    throw new Error(
      `${await readFile(failureFile, 'utf8')} (failed recently; remove ${failureFile} to try again)`,
    );
  }
  try {
    return await work();
  } catch (error) {
    await mkdir(cacheDirectory(), { recursive: true });
    await writeFile(failureFile, (error as Error).message.split('\n')[0]!);
    throw error;
  }
}

/** Whether an installation is complete. */
export async function isInstalled(name: string): Promise<boolean> {
  return exists(markerOf(name));
}

/**
 * Installs software once per machine, in a directory of that name. Processes may call it
 * concurrently.
 *
 * @returns the directory
 */
export async function installOnce(
  name: string,
  install: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory(), name);
  await mkdir(cacheDirectory(), { recursive: true });
  const lock = `${directory}.lock`;
  for (const start = Date.now(); !(await isInstalled(name)); await delay(POLL_MS)) {
    if (!(await acquire(lock))) {
      if (Date.now() - start > MAX_INSTALLATION_MS) await rm(lock, { recursive: true });
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

/** Returns the path of the file that is written last and marks an installation as complete. */
function markerOf(name: string): string {
  return join(cacheDirectory(), `${name}.installed`);
}

async function acquire(lock: string): Promise<boolean> {
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
