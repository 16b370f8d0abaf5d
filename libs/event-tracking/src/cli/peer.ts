import { UsageError } from './usage-error.js';

/**
 * Loads a package that only some sources need.
 *
 * @throws {@link UsageError} when it is not installed
 */
export async function peer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError(`--from: this source needs the package ${name}: npm install ${name}.`);
  }
}
