import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Ends the name of a file that was being written; it counts for nothing. */
export const UNFINISHED = '.tmp';

/** Makes a directory that only its owner can read, whatever the umask, unless it exists. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, DIRECTORY_MODE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  await chmod(path, DIRECTORY_MODE);
  await syncDirectory(dirname(path));
}

/** Opens a file that only its owner can read, whatever the umask. */
export async function openPrivateFile(path: string, flags: string): Promise<FileHandle> {
  const file = await open(path, flags, FILE_MODE);
  try {
    await file.chmod(FILE_MODE);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Replaces a whole file; when it resolves, the new content survives the death of the machine. */
export async function replaceFile(
  path: string,
  content: string | Buffer,
  suffix: string = UNFINISHED,
): Promise<void> {
  const unfinished = `${path}.${randomUUID()}${suffix}`;
  try {
    await using file = await openPrivateFile(unfinished, 'wx');
    await file.writeFile(content);
    await file.sync();
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }); // on a full disk it would take what little is left
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the entries of a directory survive the death of the machine, where the platform allows. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // directories cannot be opened there
  await using directory = await open(path, 'r');
  await directory.sync();
}

/** Writes a whole buffer at a position: one call may write less than it was given. */
export async function writeAt(file: FileHandle, content: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < content.length) {
    const { bytesWritten } = await file.write(
      content,
      written,
      content.length - written,
      position + written,
    );
    written += bytesWritten;
  }
}

/** Returns the code of an error of the operating system, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
