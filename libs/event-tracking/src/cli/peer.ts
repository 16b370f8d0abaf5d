import { UsageError } from './usage-error.js';

/**
 * Loads a package that not everybody has.
 *
 * @param what - needs the package, in words that begin a sentence
 * @throws {@link UsageError} when it is not installed
 */
export async function peer<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError(`${what} needs the package ${name}: npm install ${name}.`);
  }
}
